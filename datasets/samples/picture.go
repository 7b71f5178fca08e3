package samples

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // image.Decode reads it
	_ "image/png"  // image.Decode reads it

	"qtool/encode"
	"qtool/internal/whole"
	"qtool/task"
)

// maxPictureBytes bounds the file of a picture.
const maxPictureBytes = 1 << 28

// Pictures are the pictures in files: PNG, JPEG, or the bytes of the pixels, channel by
// channel and row by row; see Picture.
func Pictures(paths []string, e encode.Encoder) (*Samples, error) {
	if e.Kind() != encode.KindPixels {
		return nil, fmt.Errorf("the network takes sentences, no pictures")
	}
	return of(len(paths), task.Image, func(i int) ([]float32, error) {
		b, err := whole.Bytes(paths[i], maxPictureBytes)
		if err != nil {
			return nil, err
		}
		pixels, err := Picture(b, e.Shape())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", paths[i], err)
		}
		return e.Encode(pixels)
	}), nil
}

// Picture is the bytes of the pixels of a picture of shape [C, H, W], from a PNG, a JPEG or
// the bytes themselves. It must have H rows and W columns. Where C is 1 the colours of a
// picture become luminance, Y = 0.299 R + 0.587 G + 0.114 B rounded, as Pillow's mode L has
// it, and where C is 3 each channel of
// a grey one is the grey; 16 bits lose the lower 8. A picture that one could see through
// is refused, as what would be behind it is not known.
func Picture(b []byte, shape []int) ([]byte, error) {
	want := volume(shape)
	config, format, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		if bytes.HasPrefix(b, []byte("\x89PNG")) || bytes.HasPrefix(b, []byte("\xff\xd8\xff")) {
			return nil, fmt.Errorf("the picture is damaged: %w", err)
		}
		if len(b) != want {
			return nil, fmt.Errorf("it is no PNG and no JPEG, and of %d bytes, where the pixels of a picture of shape %v are %d", len(b), shape, want)
		}
		return b, nil
	}
	if len(shape) != 3 || shape[0] != 1 && shape[0] != 3 {
		return nil, fmt.Errorf("it is a %s, and the network takes shape %v, which is neither grey nor colour: give the bytes of its pixels", format, shape)
	}
	if config.Height != shape[1] || config.Width != shape[2] {
		return nil, fmt.Errorf("the picture has %d x %d pixels, the network takes %d x %d (width x height)", config.Width, config.Height, shape[2], shape[1])
	}
	m, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("the picture is damaged: %w", err)
	}
	return pixels(m, shape)
}

// pixels are the bytes of a picture of shape [1 or 3, H, W], by channels.
func pixels(m image.Image, shape []int) ([]byte, error) {
	at, size := m.Bounds().Min, shape[1]*shape[2]
	all := make([]byte, shape[0]*size)
	for y := range shape[1] {
		for x := range shape[2] {
			c := m.At(at.X+x, at.Y+y)
			if _, _, _, a := c.RGBA(); a != 0xffff {
				return nil, fmt.Errorf("pixel %d, %d of the picture is transparent: flatten it onto its background", x, y)
			}
			k := y*shape[2] + x
			r, g, b, _ := c.RGBA()
			r, g, b = r>>8, g>>8, b>>8
			if shape[0] == 1 { // the weights are of 2^16, and together 2^16
				all[k] = uint8((19595*r + 38470*g + 7471*b + 1<<15) >> 16)
				continue
			}
			all[k], all[size+k], all[2*size+k] = uint8(r), uint8(g), uint8(b)
		}
	}
	return all, nil
}
