// Package text loads labelled sentences, and has all the work on words that a
// client does in the clear before anything is encrypted: it cuts a sentence into
// words, keeps the telling ones, and turns them into the integers that a bundle
// takes.
//
// Three corpora are understood by [Load]:
//
//	sentences  generated, built in: needs no file and no network
//	sst2       the Stanford Sentiment Treebank, two classes
//	uci        UCI's Sentiment Labelled Sentences
package text
