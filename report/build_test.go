package report

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"qtool/verify"
)

func build(t *testing.T, in Input) string {
	t.Helper()
	b, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantText fails unless the page's text, without markup, has every phrase.
func wantText(t *testing.T, page string, phrases ...string) {
	t.Helper()
	_, body, _ := strings.Cut(page, "</style>")
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " ")
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, nbsp, " ")), " ")
	for _, p := range phrases {
		if !strings.Contains(text, p) {
			t.Errorf("the page does not say %q", p)
		}
	}
}

func TestBuildWhole(t *testing.T) {
	page := build(t, sample(t))
	wantText(t, page,
		"60 images encrypted; every one of 180 logits equals the integer reference.",
		"float → integer: 2 images", "All 60 answers are the same.",
		"128 bits", "needs &#34;20&#34; bits", "18 weights on the grid −7 to 7", "Integers over 20 calibration images",
		"h 06 min", "qtool run --from . --out again", "qtool verify-encrypted --bundle model.qb --out checked",
	)
	if strings.Contains(page, `class="missing"`) {
		t.Error("a whole run has a section without data")
	}
	if n := strings.Count(page, "data:image/png;base64,"); n < 3 {
		t.Errorf("%d pictures, want those of 2 flips and of the wrong answers", n)
	}
}

func TestBuildIsDeterministic(t *testing.T) {
	a, b := build(t, sample(t)), build(t, sample(t))
	if a != b {
		t.Error("the same input gave other bytes")
	}
}

// TestBuildMissing leaves out one thing at a time, and then everything: the page
// says what is missing.
func TestBuildMissing(t *testing.T) {
	for _, c := range []struct {
		name string
		drop func(*Input)
		want string
	}{
		{"test images", func(in *Input) { in.Test = nil }, "The test images are not at hand"},
		{"calibration", func(in *Input) { in.Calibration = nil }, "The calibration images are not at hand"},
		{"training", func(in *Input) { in.Training = nil }, "The training history is not at hand"},
		{"quantized", func(in *Input) { in.Quantized = nil }, "the float weights are not drawn"},
		{"bundle", func(in *Input) { in.Bundle = nil }, "The bundle is not at hand"},
		{"recipe", func(in *Input) { in.Recipe = "" }, "recipe.yaml is not at hand"},
		{"budget", func(in *Input) { in.Report.Backend.Budget = nil }, "The back end predicts none between layers"},
		{"reasons", func(in *Input) { in.Report.Backend.Why = nil }, "The back end gives no reasons"},
		{"times", func(in *Input) { in.Report.Seconds = verify.Seconds{} }, "No times were kept"},
		{"answers", func(in *Input) { in.Report.Answers = verify.Answers{} }, "The report holds no answers image by image"},
		{"margins", func(in *Input) { in.Report.Answers.Margins = nil }, "Wrong answers"},
		{"layers", func(in *Input) { in.Report.Layers = nil }, "Nothing was quantized"},
		{"layer ranges", func(in *Input) { in.Report.Layers = []verify.Layer{{Name: "bare"}} }, "not known"},
		{"notes", func(in *Input) { in.Notes = []string{"the dog ate <it>"} }, "the dog ate &lt;it&gt;"},
		{"validation", func(in *Input) {
			in.Training[0].Epochs[0].Validation = 0
			in.Training = in.Training[:1]
			in.Training[0].Epochs = in.Training[0].Epochs[:1]
		}, "No images were held out"},
		{"all but the report", func(in *Input) { *in = Input{Report: in.Report} }, "60 images encrypted; every logit equals the integer reference."},
		{"everything", func(in *Input) { *in = Input{Report: &verify.Report{}} }, "No stage of the ladder was run."},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := sample(t)
			c.drop(&in)
			page := build(t, in)
			wantText(t, page, c.want)
			checkMarkup(t, page)
		})
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name, kind string
		change     func(*Input)
		want       string
	}{
		{"partial", "part", func(in *Input) { in.Report.TestImages = 5000 }, "The first 60 of 5,000 test images encrypted; every one of 180 logits equals the integer reference."},
		{"mismatch", "bad", func(in *Input) {
			in.Report.LogitMismatches = 2
			in.Report.FirstMismatch = &verify.Mismatch{Image: 3, Logit: 1, Want: "-5", Got: "9"}
		}, "60 images encrypted; 2 of 180 logits differ from the integer reference."},
		{"partial mismatch", "bad", func(in *Input) { in.Report.TestImages, in.Report.LogitMismatches = 61, 1 }, "The first 60 of 61 test images encrypted; 1 of 180 logits differs from the integer reference."},
		{"float only", "open", floatOnly, "Nothing was encrypted."},
		{"no reference", "open", func(in *Input) {
			in.Report.Accuracy.Integer, in.Report.Answers.Integer = nil, nil
		}, "60 images encrypted; there is no integer reference to compare with."},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := sample(t)
			c.change(&in)
			if v := in.verdict(); v.Kind != c.kind || v.Sentence != c.want {
				t.Errorf("%s: %q, want %s: %q", v.Kind, v.Sentence, c.kind, c.want)
			}
			build(t, in)
		})
	}
}

// floatOnly makes the sample a run that quantizes nothing.
func floatOnly(in *Input) {
	in.Bundle, in.Quantized, in.Calibration = nil, nil, nil
	r := in.Report
	r.Backend, r.BundleSHA256, r.Layers, r.Images = nil, "", nil, 0
	r.Accuracy = verify.Accuracy{Float: r.Accuracy.Float}
	r.ArgmaxFlips = verify.Flips{}
	r.Answers = verify.Answers{Labels: r.Answers.Labels, Float: r.Answers.Float, Margins: verify.Margins{}}
}

func TestBuildFloatOnly(t *testing.T) {
	in := sample(t)
	floatOnly(&in)
	page := build(t, in)
	wantText(t, page, "This run ends with the float network", "18 float weights", "quantized not run", "Not compared", "no parameters were chosen")
	checkMarkup(t, page)
}

// TestBuildEscapes has markup in every name: none of it may come through, and
// the policy must allow no script.
func TestBuildEscapes(t *testing.T) {
	page := build(t, sample(t))
	for _, bad := range []string{"<script", "<img src=x", `<b>&"`, "onerror=alert(1)>"} {
		if strings.Contains(page, bad) {
			t.Errorf("%q stands in the page", bad)
		}
	}
	if n := strings.Count(page, "</style>"); n != 1 {
		t.Errorf("%d style ends, want 1", n)
	}
	checkMarkup(t, page)
}

func TestPolicy(t *testing.T) {
	page := build(t, sample(t))
	if !strings.Contains(page, "<style>"+style+"</style>") {
		t.Error("the style sheet of the page is not the one that was hashed")
	}
	for _, part := range []string{"default-src &#39;none&#39;", "style-src &#39;sha256-", "img-src data:"} {
		if !strings.Contains(page, part) {
			t.Errorf("the policy lacks %s", part)
		}
	}
	page = regexp.MustCompile(`data:image/png;base64,[^"]*`).ReplaceAllString(page, "")
	if found := regexp.MustCompile(`(?i)https?:|//[a-z]|@import|url\(`).FindString(page); found != "" {
		t.Errorf("the page has %q: something to load", found)
	}
}

// empty matches the elements of HTML that have no end.
var empty = regexp.MustCompile(`<(meta|link|img|br)( [^>]*)?>`)

// checkMarkup parses the page as XML once its empty elements are closed, which
// demands that everything is nested and quoted, and looks at what a screen
// reader needs.
func checkMarkup(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(empty.ReplaceAllString(page, "<$1$2/>")))
	d.Entity = xml.HTMLEntity
	ids := map[string]bool{}
	var references []string
	headings := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range e.Attr {
			name := a.Name.Local
			local := strings.HasPrefix(a.Value, "#") || strings.HasPrefix(a.Value, "data:")
			if name == "style" || strings.HasPrefix(name, "on") || (name == "src" || name == "href") && !local {
				t.Errorf("element %s has %s=%q: something to load, or to run", e.Name.Local, name, a.Value)
			}
		}
		attribute := func(name string) string {
			i := slices.IndexFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == name })
			if i < 0 {
				return ""
			}
			return e.Attr[i].Value
		}
		if id := attribute("id"); id != "" {
			if ids[id] {
				t.Errorf("id %q is used twice", id)
			}
			ids[id] = true
		}
		if id := attribute("aria-labelledby"); id != "" {
			references = append(references, id)
		}
		if href := attribute("href"); strings.HasPrefix(href, "#") {
			references = append(references, href[1:])
		}
		switch name := e.Name.Local; {
		case name == "img" && attribute("alt") == "":
			t.Error("a picture has no alternative text")
		case name == "svg" && (attribute("role") != "img" || attribute("aria-label") == ""):
			t.Error("a chart has no label")
		case len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6':
			level := int(name[1] - '0')
			if level > headings+1 {
				t.Errorf("heading %s follows one of level %d", name, headings)
			}
			headings = level
		case strings.Contains(attribute("class"), "scroll") && (attribute("tabindex") != "0" || attribute("aria-label") == ""):
			t.Error("a scrolling box cannot be reached by keyboard or has no name")
		}
	}
	for _, r := range references {
		if !ids[r] {
			t.Errorf("nothing has the id %q", r)
		}
	}
}
