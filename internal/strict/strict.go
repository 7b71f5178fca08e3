// Package strict decodes JSON that must be exactly one value of a known type.
package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// JSON decodes b into v, which is a pointer. An unknown key is an error, and so
// is anything but white space behind the value, a closing bracket too, which
// json.Decoder.More would pass over. On error v may be changed in part.
func JSON(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	switch err := d.Decode(v); {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("there is no JSON value: %w", io.ErrUnexpectedEOF)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the JSON value is cut off at byte %d: %w", len(b), err)
	case err != nil:
		return err
	}
	if at := d.InputOffset(); len(bytes.TrimLeft(b[at:], " \t\r\n")) > 0 {
		return fmt.Errorf("the JSON value ends at byte %d, there are %d bytes", at, len(b))
	}
	return nil
}
