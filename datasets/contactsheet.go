package datasets

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
)

const (
	sheetGap       = 1       // pixels between two images
	sheetMaxPixels = 1 << 26 // of a whole sheet
)

// ContactSheet writes a PNG with the first rows*cols images of s in a grid, row
// by row, thin gaps between them; cells beyond the last image stay empty.
// Shape [1, H, W] is shown in grey, [3, H, W] as red, green and blue.
// It fails for another shape, a grid below 1x1 or above 2^26 pixels.
func ContactSheet(w io.Writer, s *Split, rows, cols int) error {
	if err := s.check(); err != nil {
		return err
	}
	if len(s.Shape) != 3 || s.Shape[0] != 1 && s.Shape[0] != 3 {
		return fmt.Errorf("datasets: contact sheet of shape %v, want [1 H W] or [3 H W]", s.Shape)
	}
	if rows < 1 || cols < 1 || rows > sheetMaxPixels || cols > sheetMaxPixels {
		return fmt.Errorf("datasets: contact sheet of %d rows and %d columns, want 1 to %d", rows, cols, sheetMaxPixels)
	}
	height, width := s.Shape[1], s.Shape[2]
	sheetW, sheetH := cols*(width+sheetGap)+sheetGap, rows*(height+sheetGap)+sheetGap
	if sheetW > sheetMaxPixels/sheetH {
		return fmt.Errorf("datasets: contact sheet of %dx%d pixels is over the limit of %d", sheetW, sheetH, sheetMaxPixels)
	}
	sheet := image.NewRGBA(image.Rect(0, 0, sheetW, sheetH))
	for i := 3; i < len(sheet.Pix); i += 4 {
		sheet.Pix[i-3], sheet.Pix[i-2], sheet.Pix[i-1], sheet.Pix[i] = 0x30, 0x50, 0x70, 0xff
	}
	for i := range min(rows*cols, s.Len()) {
		drawCell(sheet, s.Image(i), s.Shape, sheetGap+i%cols*(width+sheetGap), sheetGap+i/cols*(height+sheetGap))
	}
	if err := png.Encode(w, sheet); err != nil {
		return fmt.Errorf("datasets: contact sheet: %w", err)
	}
	return nil
}

// drawCell copies one image of shape [C, H, W] to the sheet, its corner at (left, top).
func drawCell(sheet *image.RGBA, img []uint8, shape []int, left, top int) {
	height, width := shape[1], shape[2]
	plane := height * width
	green, blue := 0, 0 // offsets of the channels: all one in grey
	if shape[0] == 3 {
		green, blue = plane, 2*plane
	}
	for y := range height {
		for x := range width {
			p := y*width + x
			sheet.SetRGBA(left+x, top+y, color.RGBA{R: img[p], G: img[green+p], B: img[blue+p], A: 0xff})
		}
	}
}
