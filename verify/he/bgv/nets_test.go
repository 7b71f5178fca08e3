package bgv

import (
	"testing"
)

func TestPlansOfNetworks(t *testing.T) {
	for name, b := range map[string]*builder{"lenet": lenet(seeded(1)), "cryptonets": cryptonets(seeded(1)), "fc": fullyConnected(seeded(1))} {
		plan := mustPlan(t, b.done(), Options{})
		t.Logf("%s: %+v", name, plan.layout)
		for _, w := range plan.Why() {
			t.Log("  ", w)
		}
	}
}
