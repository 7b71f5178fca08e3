package client_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"qtool/he"
	"qtool/he/roles"
	"qtool/serve/client"
)

// A program that asks a service about pictures. The secret key does not leave it.
func Example() {
	ctx := context.Background()
	c, err := client.Open("https://he.example.org", "", client.Files{Token: "hospital-a.token"})
	if err != nil {
		log.Fatal(err)
	}
	c.Retry = 3 // come again when the service is busy, at the time that it names
	spec, err := c.Spec(ctx, "lenet")
	if err != nil {
		log.Fatal(err)
	}
	key, err := roles.NewClient(spec)
	if err != nil {
		log.Fatal(err)
	}
	// Once for a key: its evaluation keys. What is there already is not sent again.
	var keys bytes.Buffer
	if err := key.WriteEvaluationKeys(ctx, &keys, nil); err != nil {
		log.Fatal(err)
	}
	if _, err := c.UploadKeys(ctx, bytes.NewReader(keys.Bytes()), int64(keys.Len()), nil); err != nil {
		log.Fatal(err)
	}
	// Tensors as the network has them: the encoder makes them of pixels, as in training.
	tensors := func(yield func([]float32, error) bool) {
		pixels := make([]byte, 28*28)
		yield(spec.Encoder.Encode(pixels))
	}
	_, err = c.Ask(ctx, "lenet", key, spec.Samples(tensors), func(first int, d *he.Decrypted) error {
		for i, answer := range roles.Read(spec, d.Answers) {
			fmt.Println(first+i, answer.Label, answer.Undecided)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
}
