package serve

import (
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// The document is valid, has the endpoints that the service has, and the codes of all its
// problems.
func TestOpenAPI(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(openapiYAML)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var documented, served []string
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			pattern := method + " " + path
			documented = append(documented, pattern)
			if open := operation.Security != nil; open != slices.Contains(public, pattern) {
				t.Errorf("%s is documented as open: %v", pattern, open)
			}
		}
	}
	for pattern := range (&Service{}).endpoints() {
		served = append(served, pattern)
	}
	slices.Sort(documented)
	slices.Sort(served)
	if !slices.Equal(documented, served) {
		t.Errorf("documented %q, served %q", documented, served)
	}
	var codes []string
	for _, c := range doc.Components.Schemas["Problem"].Value.Properties["type"].Value.Enum {
		codes = append(codes, strings.TrimPrefix(c.(string), "urn:qtool:"))
	}
	for code := range problems {
		if !slices.Contains(codes, code) {
			t.Errorf("problem %q is not documented", code)
		}
	}
	if len(codes) != len(problems) {
		t.Errorf("%d problems are documented, there are %d", len(codes), len(problems))
	}
}
