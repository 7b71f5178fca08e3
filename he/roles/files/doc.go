// Package files keeps what roles write in files: it opens a file as what it should be,
// or says what it is instead; secret keys are of mode 0600, sealed with a passphrase if
// wanted, and never overwritten; encrypted datasets are folders of messages with an index.
package files
