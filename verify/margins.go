package verify

// Margins are one number an image, to four significant digits in JSON: 20 a
// string, separated by spaces.
type Margins []float32

const marginsPerLine, marginDigits = 20, 4

// MarshalJSON implements json.Marshaler.
func (m Margins) MarshalJSON() ([]byte, error) { return numberLines(m, marginsPerLine, marginDigits) }

// UnmarshalJSON implements json.Unmarshaler. The JSON null gives no margins.
func (m *Margins) UnmarshalJSON(b []byte) error {
	list, err := readNumberLines(b, "margin")
	if err != nil {
		return err
	}
	*m = append(Margins{}, list...)
	return nil
}
