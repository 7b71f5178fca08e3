package samples_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"qtool/datasets"
	"qtool/datasets/samples"
	"qtool/datasets/text"
	"qtool/encode"
)

func pixels(t *testing.T, shape ...int) *encode.Pixels {
	t.Helper()
	e, err := encode.NewPixels(shape, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// sentences is an encoder of two steps of one known word each.
func sentences() *encode.Text {
	words := encode.NewVocabulary(func(func([]string) bool) {}, []string{"bad", "film", "good"}, 1)
	return &encode.Text{Vocabulary: words, Selection: encode.Selection{Kind: "first", Steps: 2}, Bits: 4, Dimensions: 1, Vectors: []int16{-3, 1, 5}}
}

// all are the tensors until the first error.
func all(s *samples.Samples) (tensors [][]float32, err error) {
	for t, err := range s.All {
		if err != nil {
			return tensors, err
		}
		tensors = append(tensors, slices.Clone(t))
	}
	return tensors, nil
}

// The test images of a dataset come in order, encoded; a limit takes the first.
func TestTest(t *testing.T) {
	o := datasets.Options{Offline: true}
	d, err := datasets.Load(t.Context(), "digits", o)
	if err != nil {
		t.Fatal(err)
	}
	e := pixels(t, d.Shape...)
	s, err := samples.Test(t.Context(), "digits", e, o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Count != d.Test.Len() || s.Noun.One != "image" {
		t.Errorf("%d %v", s.Count, s.Noun)
	}
	few, err := s.First(3)
	if err != nil {
		t.Fatal(err)
	}
	got, err := all(few)
	if err != nil || len(got) != 3 || few.Count != 3 {
		t.Fatalf("%d tensors, %v", len(got), err)
	}
	for i, x := range got {
		if want, _ := e.Encode(d.Test.Image(i)); !slices.Equal(x, want) {
			t.Errorf("image %d is encoded otherwise", i)
		}
	}
	for n, want := range map[int]string{-1: "limit -1 is negative", s.Count + 1: "is outside 1.."} {
		if _, err := s.First(n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("limit %d: error %v", n, err)
		}
	}
	for name, want := range map[string]string{
		"sentences": "sentences has sentences, the network takes pictures of shape [1 28 28]", "nothing": `unknown dataset "nothing"`,
	} {
		if _, err := samples.Test(t.Context(), name, e, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := samples.Test(t.Context(), "digits", pixels(t, 3, 28, 28), o); err == nil || !strings.Contains(err.Error(), "of shape [1 28 28], the network takes [3 28 28]") {
		t.Errorf("error %v", err)
	}
	if _, err := samples.Test(t.Context(), "idx:"+t.TempDir(), e, o); !errors.Is(err, datasets.ErrMissing) {
		t.Errorf("error %v", err)
	}
}

// Sentences of a corpus have the tensors that verification has of them, those without a
// known word included.
func TestCorpus(t *testing.T) {
	o := datasets.Options{Offline: true}
	c, err := text.Load(t.Context(), "sentences", o)
	if err != nil {
		t.Fatal(err)
	}
	e := sentences()
	s, err := samples.Test(t.Context(), "sentences", e, o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := all(s)
	if err != nil || len(got) != len(c.Test) || s.Count != len(c.Test) {
		t.Fatalf("%d of %d tensors, %v", len(got), len(c.Test), err)
	}
	want := text.Bytes(e, text.Samples(c.Test, e.Vocabulary, e.Selection, e.Scores))
	unknown := 0
	for i, x := range got {
		if !slices.Equal(x, want.Tensor(i)) {
			t.Fatalf("sentence %d is encoded otherwise", i)
		}
		alone, err := e.Encode([]byte(c.Test[i].String()))
		if errors.Is(err, encode.ErrUnknown) {
			unknown++
		} else if err != nil || !slices.Equal(x, alone) {
			t.Errorf("sentence %d, typed: %v", i, err)
		}
	}
	if unknown == 0 || unknown == len(got) {
		t.Errorf("%d of %d sentences have no known word: the test tests half of it", unknown, len(got))
	}
	if _, err := samples.Test(t.Context(), "digits", e, o); err == nil || !strings.Contains(err.Error(), "digits has pictures") {
		t.Errorf("error %v", err)
	}
}

func TestRead(t *testing.T) {
	e := pixels(t, 1, 1, 2)
	got, err := all(samples.Read("in", strings.NewReader("\x00\xff\x33\x00"), e))
	if err != nil || !reflect.DeepEqual(got, [][]float32{{0, 1}, {0.2, 0}}) {
		t.Errorf("%v, %v", got, err)
	}
	got, err = all(samples.Read("in", strings.NewReader("\x00\xff\x33"), e))
	if len(got) != 1 || err == nil || err.Error() != "in: image 1: it has 1 bytes, a picture of shape [1 1 2] has 2" {
		t.Errorf("%v, %v", got, err)
	}
	few, err := samples.Read("in", strings.NewReader("\x00\xff"), e).First(2)
	if err != nil {
		t.Fatal(err)
	}
	if got, err = all(few); len(got) != 1 || err == nil || err.Error() != "limit 2: there are 1 images" {
		t.Errorf("%v, %v", got, err)
	}

	words := sentences()
	want, _ := words.Encode([]byte("good film"))
	long := "good film" + strings.Repeat(" unseen", 20000)
	got, err = all(samples.Read("in", strings.NewReader("\ufeffgood film\r\n"+long+"\nGood film"), words))
	if err != nil || !reflect.DeepEqual(got, [][]float32{want, want, want}) {
		t.Errorf("%v, %v", got, err)
	}
	for in, message := range map[string]string{
		"good\n\nbad":                           "in: sentence 1: the sentence has no words",
		"good\nnever seen\n":                    "in: sentence 1: no word of the sentence is in the vocabulary",
		"g\x00o\x00o\x00d\x00":                  "in: sentence 0: saved as UTF-16",
		strings.Repeat("x", 1<<20+3) + "\ngood": "in: sentence 0: it passes the limit of 1048576 bytes",
	} {
		if _, err := all(samples.Read("in", strings.NewReader(in), words)); err == nil || !strings.HasPrefix(err.Error(), message) {
			t.Errorf("%.20q: error %v, want %s", in, err, message)
		}
	}
	if s, err := samples.Sentences([]string{"good film"}, words); err != nil {
		t.Error(err)
	} else if got, err := all(s); err != nil || !reflect.DeepEqual(got, [][]float32{want}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := samples.Sentences([]string{"good"}, e); err == nil {
		t.Error("a sentence for a network of pictures")
	}
}

func encodePNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Pictures become the bytes of their pixels, channel by channel.
func TestPicture(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 3, 2))
	copy(grey.Pix, []byte{0, 1, 2, 100, 200, 255})
	deep := image.NewGray16(grey.Rect)
	for i, b := range grey.Pix {
		deep.SetGray16(i%3, i/3, color.Gray16{uint16(b)<<8 | 0x80})
	}
	colour := image.NewNRGBA(grey.Rect)
	for i := range 6 {
		colour.SetNRGBA(i%3, i/3, color.NRGBA{uint8(i), uint8(10 * i), uint8(40 * i), 255})
	}
	var luminance []byte
	for i := range 6 {
		luminance = append(luminance, uint8(0.299*float64(i)+0.587*float64(10*i)+0.114*float64(40*i)+0.5))
	}
	for name, c := range map[string]struct {
		file     []byte
		channels int
		want     []byte
	}{
		"grey":              {encodePNG(t, grey), 1, grey.Pix},
		"grey of 16 bits":   {encodePNG(t, deep), 1, grey.Pix},
		"grey for colour":   {encodePNG(t, grey), 3, slices.Concat(grey.Pix, grey.Pix, grey.Pix)},
		"colour":            {encodePNG(t, colour), 3, []byte{0, 1, 2, 3, 4, 5, 0, 10, 20, 30, 40, 50, 0, 40, 80, 120, 160, 200}},
		"colour for grey":   {encodePNG(t, colour), 1, luminance},
		"bytes":             {[]byte{5, 4, 3, 2, 1, 0}, 1, []byte{5, 4, 3, 2, 1, 0}},
		"bytes of channels": {make([]byte, 24), 4, make([]byte, 24)},
	} {
		if got, err := samples.Picture(c.file, []int{c.channels, 2, 3}); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
	// A JPEG loses a little; one grey it keeps.
	flat := image.NewGray(image.Rect(0, 0, 8, 8))
	for i := range flat.Pix {
		flat.Pix[i] = 77
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, flat, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	if got, err := samples.Picture(b.Bytes(), []int{1, 8, 8}); err != nil || !bytes.Equal(got, flat.Pix) {
		t.Errorf("JPEG: %v, %v", got, err)
	}
}

func TestPictureRefused(t *testing.T) {
	grey := encodePNG(t, image.NewGray(image.Rect(0, 0, 3, 2)))
	for name, c := range map[string]struct {
		file  []byte
		shape []int
		want  string
	}{
		"size":        {grey, []int{1, 2, 4}, "the picture has 3 x 2 pixels, the network takes 4 x 2 (width x height)"},
		"channels":    {grey, []int{4, 2, 3}, "neither grey nor colour"},
		"transparent": {encodePNG(t, image.NewNRGBA(image.Rect(0, 0, 3, 2))), []int{3, 2, 3}, "pixel 0, 0 of the picture is transparent"},
		"cut":         {grey[:len(grey)-20], []int{1, 2, 3}, "the picture is damaged"},
		"head cut":    {grey[:10], []int{1, 2, 3}, "the picture is damaged"},
		"bytes":       {make([]byte, 7), []int{1, 2, 3}, "it is no PNG and no JPEG, and of 7 bytes, where the pixels of a picture of shape [1 2 3] are 6"},
		"nothing":     {nil, []int{1, 2, 3}, "of 0 bytes"},
	} {
		if _, err := samples.Picture(c.file, c.shape); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "seven.png")
	if err := os.WriteFile(path, grey, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := samples.Pictures([]string{path, path + "x"}, pixels(t, 1, 2, 3))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := all(s); len(got) != 1 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := samples.Pictures([]string{path}, sentences()); err == nil {
		t.Error("a picture for a network of sentences")
	}
	if _, err := samples.Test(t.Context(), path, pixels(t, 1, 2, 3), datasets.Options{Offline: true}); err == nil || !strings.Contains(err.Error(), "unknown dataset") {
		t.Errorf("error %v", err)
	}
}
