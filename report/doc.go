// Package report draws a run as one HTML file: what the network answers on each
// stage of the ladder, what changed between them and why, and what it cost.
//
// The file is self-contained. It has no script, loads nothing, and says so in a
// Content-Security-Policy that allows its own style sheet and the pictures inside
// it, nothing else. Charts are SVG; the same input gives the same bytes.
package report
