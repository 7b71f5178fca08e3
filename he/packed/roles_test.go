package packed

import (
	"reflect"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/he"
	"qtool/he/internal/rolestest"
)

// TestServerHoldsNoSecretKey walks every type that servers, plans or public
// objects of both schemes reach.
func TestServerHoldsNoSecretKey(t *testing.T) {
	secret := reflect.TypeFor[rlwe.SecretKey]()
	rolestest.NoSecret(t, secret, reflect.TypeFor[Client](),
		reflect.TypeFor[Server](), reflect.TypeFor[Plan](), reflect.TypeFor[EvaluationKeys](), reflect.TypeFor[Inputs](), reflect.TypeFor[Outputs](),
		reflect.TypeFor[ExactPlan](), reflect.TypeFor[he.Result]())
}
