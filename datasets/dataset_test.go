package datasets

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNames(t *testing.T) {
	if diff := cmp.Diff([]string{"digits", "mnist"}, Names()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLoadUnknown(t *testing.T) {
	_, err := Load(context.Background(), "minst", Options{})
	if err == nil || !strings.Contains(err.Error(), `unknown dataset "minst", want digits, mnist or idx:DIR`) {
		t.Errorf("error %v", err)
	}
}

func TestLoadCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, name := range Names() {
		if d, err := Load(ctx, name, Options{}); d != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want %v", name, err, context.Canceled)
		}
	}
}
