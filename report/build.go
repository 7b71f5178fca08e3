package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
)

//go:embed page/*.html
var pages embed.FS

//go:embed page/style.css
var style string

var templates = template.Must(template.ParseFS(pages, "page/*.html"))

// page is what the templates are filled with.
type page struct {
	Style      template.CSS
	Policy     string
	Title      string
	Recipe     string
	Dataset    string
	Seed       uint64
	Verdict    verdict
	Tiles      []tile
	Notes      []string
	Ladder     ladderView
	Confusion  *confusionView
	Changes    []group
	Confident  *group
	NoPictures bool
	Training   []trainingView
	Layers     *layersView
	Parameters *parametersView
	Cost       costView
	Provenance []fact
	Reproduce  []command
	RecipeText string
}

// Build draws the report. The same input gives the same bytes. It returns an
// error, and nothing else, where parts of the input contradict each other: an
// accuracy that its answers do not have, or files of another run.
func Build(in Input) ([]byte, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	layers, err := in.layers()
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	r := in.Report
	p := page{
		Style: template.CSS(style), Policy: policy(), Title: fmt.Sprintf("%s, seed %d: qtool report", r.Recipe, r.Seed),
		Recipe: r.Recipe, Dataset: r.Dataset, Seed: r.Seed,
		Verdict: in.verdict(), Tiles: in.tiles(), Notes: in.Notes,
		Ladder: in.ladder(), Confusion: in.confusion(), Changes: in.changes(), Confident: in.confident(), NoPictures: in.Test == nil,
		Training: in.training(), Layers: layers, Parameters: in.parameters(), Cost: in.cost(),
		Provenance: in.provenance(), Reproduce: in.reproduce(), RecipeText: in.Recipe,
	}
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, "page.html", p); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}

// policy allows this page's own style sheet and the pictures inside it.
func policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'none'"
}
