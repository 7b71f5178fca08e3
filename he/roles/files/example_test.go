package files_test

import (
	"context"
	"fmt"
	"os"

	"qtool/he/roles/files"
	"qtool/he/wire"
)

// A server answers an encrypted dataset message by message.
func ExampleFolder_All() {
	ctx := context.Background()
	half, err := files.ReadServerHalf(ctx, "server.qbs")
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := half.NewServer(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := files.Open("evaluation.keys", wire.EvaluationKeys)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	keys, err := server.ReadKeys(ctx, file)
	if err != nil {
		fmt.Println(err)
		return
	}
	folder, err := files.OpenFolder("encrypted", wire.Inputs)
	if err != nil {
		fmt.Println(err)
		return
	}
	for m, err := range folder.All() {
		if err == nil {
			err = server.Evaluate(ctx, keys, m.Reader, os.Stdout, nil)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
}
