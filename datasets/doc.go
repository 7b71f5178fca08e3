// Package datasets loads labelled images as bytes, in a form that training and
// verification share: the same order, the same bytes and a hash that names them.
//
// Three kinds of name are understood by [Load]:
//
//	digits     generated strokes, built in: needs no file and no network
//	mnist      the four original MNIST files, found or downloaded, hash-checked
//	idx:DIR    a folder with four files named like MNIST's, the user's own data
//
// Images are never scaled or normalised here: a pixel is a byte, 0 is background.
package datasets
