package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"qtool/encode"
	"qtool/internal/plaintext"
	"qtool/pipeline"
)

// readSentence is what was typed, or what standard input has for "-".
func readSentence(in io.Reader, typed string) (string, error) {
	if typed != "-" {
		return typed, nil
	}
	b, err := io.ReadAll(io.LimitReader(in, encode.MaxSentence+1))
	if err != nil {
		return "", err
	}
	if _, err := plaintext.UTF8(b); errors.Is(err, plaintext.ErrUTF16) || errors.Is(err, plaintext.ErrUTF32) {
		return "", fmt.Errorf("--text: standard input: %w", err)
	}
	return string(plaintext.Trim(b)), nil
}

// printAnswer prints what a sentence was answered, if anything, and what the server saw.
func (a *app) printAnswer(v *pipeline.Answer) error {
	if v == nil {
		return nil
	}
	if a.json {
		return a.encode(v)
	}
	p := &printer{w: a.stdout}
	p.f("%s\n\n", v.Answer)
	for i, l := range v.Labels {
		p.f("  %-10s %.4g", l, v.Logits[i])
		if v.Bound != nil {
			p.f(" +- %.1g", v.Bound[i])
		}
		p.f("\n")
	}
	p.f("\nThe client cut the sentence into %d words, %d of them in the vocabulary, and sent %d steps: %s.\n", v.Words, v.Known, len(v.Steps), describeSteps(v.Steps))
	p.f("The integer program on the same words in the clear says %s; its logits %s.\n", v.Reference, map[bool]string{true: "agree", false: "DIFFER"}[v.Agrees])
	s := v.Server
	p.f("\nThe server saw (%s, %d-bit security):\n", s.Backend, s.SecurityBits)
	p.f("  ciphertexts of the sentence   %s, SHA-256 %s\n", size(s.InputBytes), s.InputSHA256)
	p.f("  evaluation keys               %s\n", size(s.KeyBytes))
	p.f("  ciphertexts of the answer     %s, SHA-256 %s\n", size(s.AnswerBytes), s.AnswerSHA256)
	p.f("No word, no vector of a word, no length of the sentence, no secret key and no answer.\n")
	t := v.Seconds
	p.f("\nKeys %.1f s, encryption %.2f s, evaluation %.1f s, decryption %.3f s.\n", t.Keygen, t.Encrypt, t.Evaluate, t.Decrypt)
	return p.err
}

// describeSteps is the words of each step, at most so many characters.
func describeSteps(steps [][]string) string {
	var all []string
	for _, words := range steps {
		all = append(all, "("+strings.Join(words, " ")+")")
	}
	const most = 400
	s := []rune(strings.Join(all, " "))
	if len(s) > most {
		return string(s[:most]) + "..."
	}
	return string(s)
}
