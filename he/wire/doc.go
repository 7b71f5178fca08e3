// Package wire writes and reads client and server halves, keys and ciphertexts as objects
//
//	 8 bytes   magic
//	 1 byte    version
//	 1 byte    kind
//	 1 byte    1 for the last message of a stream, else 0
//	 1 byte    0
//	32 bytes   SHA-256 that names the client half, zero for that itself
//	16 bytes   key id, zero for halves
//	16 bytes   stream, 4 bytes index, 4 bytes samples: zero but for inputs and outputs
//	 8 bytes   length of the payload
//	32 bytes   check
//	           payload, in chunks of 64 KiB of which the last may be shorter, each with
//	           a check of 32 bytes behind it
//
// all little endian. A check is the SHA-256 of everything before it, earlier checks
// included, so that chunks cannot be left out, repeated or moved. An object is read as it
// arrives: what a Reader gives was checked already. Reading is strict, every residue being
// reduced, and nothing in the bytes decides how much memory is taken before they arrived.
//
// The checks find damage. They do not say who made an object: whoever can change one can
// make its checks right.
package wire
