package main

import (
	"archive/zip"
	"encoding/binary"
	"image"
	_ "image/jpeg"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// coloursFile is a zip of small JPEGs, train/CLASS/... and test/CLASS/..., below the
// folder of data.
const coloursFile = "/cifar10-sample/cifar10-sample.zip"

// colours writes the pictures of a zip as IDX files to a folder: colours DIR. The
// classes are numbered by their names; the pictures of one class are not together.
func colours(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: colours DIR")
	}
	z, err := zip.OpenReader(absolute(os.Getenv("QTOOL_DATA")) + coloursFile)
	ts.Check(err)
	defer z.Close()
	parts := map[string][]*zip.File{}
	var classes []string
	for _, f := range z.File {
		if path.Ext(f.Name) != ".jpg" {
			continue
		}
		part, class := strings.Split(f.Name, "/")[0], path.Base(path.Dir(f.Name))
		parts[part] = append(parts[part], f)
		if !slices.Contains(classes, class) {
			classes = append(classes, class)
		}
	}
	slices.Sort(classes)
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o755))
	for part, name := range map[string]string{"train": "train", "test": "t10k"} {
		files := parts[part]
		slices.SortFunc(files, func(a, b *zip.File) int { return strings.Compare(path.Base(a.Name)+a.Name, path.Base(b.Name)+b.Name) })
		images, labels := header(len(files), 3, 32, 32), header(len(files))
		for _, f := range files {
			r, err := f.Open()
			ts.Check(err)
			img, _, err := image.Decode(r)
			ts.Check(err)
			ts.Check(r.Close())
			images = append(images, planes(img)...)
			labels = append(labels, byte(slices.Index(classes, path.Base(path.Dir(f.Name)))))
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+"/"+name+"-images-idx3-ubyte"), images, 0o644))
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+"/"+name+"-labels-idx1-ubyte"), labels, 0o644))
	}
}

// header begins an IDX file of bytes.
func header(sizes ...int) []byte {
	b := []byte{0, 0, 8, byte(len(sizes))}
	for _, n := range sizes {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return b
}

// planes are a picture's red, green and blue bytes, one plane after the other.
func planes(img image.Image) []byte {
	size := img.Bounds().Size()
	n := size.X * size.Y
	b := make([]byte, 3*n)
	for y := range size.Y {
		for x := range size.X {
			r, g, blue, _ := img.At(img.Bounds().Min.X+x, img.Bounds().Min.Y+y).RGBA()
			at := y*size.X + x
			b[at], b[n+at], b[2*n+at] = byte(r>>8), byte(g>>8), byte(blue>>8)
		}
	}
	return b
}
