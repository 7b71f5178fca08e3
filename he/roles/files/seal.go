package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"

	"qtool/internal/promptly"
)

// logWork is log2 of the work that a passphrase costs to try, by scrypt: 2^logWork * 1 KiB
// of memory, 256 MiB, and about a second. Tests take less.
var logWork = 18

// mostWork bounds what a file may ask for.
const mostWork = 20

// seal writes b sealed with a passphrase, in the format of age (age-encryption.org/v1): the
// program age opens it too.
func seal(w io.Writer, b, passphrase []byte) error {
	if len(passphrase) == 0 {
		return errors.New("the passphrase is empty")
	}
	r, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return err
	}
	r.SetWorkFactor(logWork)
	out, err := age.Encrypt(w, r)
	if err != nil {
		return err
	}
	if _, err := out.Write(b); err != nil {
		return err
	}
	return out.Close()
}

// unseal is what seal, or age itself, sealed with a passphrase. The caller clears it.
func unseal(ctx context.Context, b, passphrase []byte) ([]byte, error) {
	if len(passphrase) == 0 {
		return nil, errors.New("the passphrase is empty")
	}
	id, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, err
	}
	id.SetMaxWorkFactor(mostWork)
	var in io.Reader = bytes.NewReader(b)
	if bytes.HasPrefix(b, []byte(armored)) {
		in = armor.NewReader(in)
	}
	out, err := promptly.Do(ctx, func() (io.Reader, error) { return age.Decrypt(in, id) })
	var none *age.NoIdentityMatchError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &none):
		return nil, errors.New("the passphrase is wrong, or it is sealed otherwise than with one")
	case err != nil:
		return nil, fmt.Errorf("the sealed key is damaged: %w", err)
	}
	key, err := io.ReadAll(io.LimitReader(out, maxSecret+1))
	if err != nil {
		clear(key)
		return nil, fmt.Errorf("the sealed key is damaged: %w", err)
	}
	return key, nil
}
