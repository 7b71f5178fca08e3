package report

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"slices"

	"qtool/datasets"
	"qtool/verify"
)

// maxPictures bounds the pictures of one group.
const maxPictures = 24

// group is a set of images worth a look.
type group struct {
	Title, About string
	Pictures     []picture
	More         string // how many images beyond maxPictures
	None         string
}

// picture is one test image and what was answered to it.
type picture struct {
	Index    string
	PNG      template.URL // "" where the image is not at hand
	Alt      string
	Label    string
	From, To answered
	Margin   string
}

// answered is a stage's answer.
type answered struct {
	Stage, Answer string
	Wrong         bool
}

// changes are the images whose answer changes between two stages.
func (in *Input) changes() []group {
	a := in.Report.Answers
	var groups []group
	for _, p := range []struct {
		from, to string
		a, b     verify.Predictions
		about    string
	}{
		{"float", "integer", a.Float, a.Integer, "Rounding to the integer grid, and training for it, moved these answers."},
		{"quantized", "integer", a.Quantized, a.Integer, fmt.Sprintf("Both have the same integers, so every %s here is a defect of the export.", in.unit().One)},
		{"integer", "encrypted", a.Integer, a.Encrypted, fmt.Sprintf("An exact back end never changes an answer: every %s here is a defect.", in.unit().One)},
	} {
		title := fmt.Sprintf("%s → %s", p.from, p.to)
		if p.a == nil || p.b == nil {
			groups = append(groups, group{Title: title, None: "Not compared: one of the two has no answers in this report."})
			continue
		}
		images := flipped(p.a, p.b)
		in.byMargin(images)
		g := group{Title: fmt.Sprintf("%s: %s", title, in.count(len(images))), About: p.about}
		if len(images) == 0 {
			g.About, g.None = "", fmt.Sprintf("All %s answers are the same.", number(min(len(p.a), len(p.b))))
		}
		in.fill(&g, images, ladderStage{Name: p.from, Answers: p.a}, ladderStage{Name: p.to, Answers: p.b})
		groups = append(groups, g)
	}
	return groups
}

// confident are the wrong answers of the last stage with the largest margins.
func (in *Input) confident() *group {
	name, answers := in.final()
	if len(answers) == 0 {
		return nil
	}
	images := flipped(in.Report.Answers.Labels, answers)
	in.byMargin(images)
	g := &group{Title: "Wrong with the largest margin"}
	if len(in.Report.Answers.Margins) == 0 {
		g.Title, g.About = "Wrong answers", "The first ones: without an integer stage there are no margins to sort by."
	}
	if len(images) == 0 {
		g.About, g.None = "", "Every answer is right."
	}
	in.fill(g, images, ladderStage{}, ladderStage{Name: name, Answers: answers})
	return g
}

// byMargin sorts images by the margin of the integer answer, the largest first;
// ties keep their order.
func (in *Input) byMargin(images []int) {
	if m := in.Report.Answers.Margins; len(m) > 0 {
		slices.SortStableFunc(images, func(a, b int) int { return cmp.Compare(m[b], m[a]) })
	}
}

// fill draws a group's pictures; a from without answers is left out.
func (in *Input) fill(g *group, images []int, from, to ladderStage) {
	if n := len(images) - maxPictures; n > 0 {
		g.More = number(n)
		images = images[:maxPictures]
	}
	labels := in.Report.Answers.Labels
	for _, i := range images {
		p := picture{Index: in.unit().One + " " + number(i), Label: in.label(labels[i]), To: in.answered(to, i)}
		p.Alt = fmt.Sprintf("test %s %d, label %s, %s answer %s", in.unit().One, i, p.Label, to.Name, p.To.Answer)
		if from.Answers != nil {
			p.From = in.answered(from, i)
			p.Alt += fmt.Sprintf(", %s answer %s", from.Name, p.From.Answer)
		}
		if m := in.Report.Answers.Margins; len(m) > 0 {
			p.Margin = marginText(float64(m[i]))
		}
		if in.Test != nil {
			p.PNG = dataURI(in.Test, i)
		}
		g.Pictures = append(g.Pictures, p)
	}
}

// marginText is a margin in percent to three digits or less.
func marginText(m float64) string {
	if m >= 0.1 {
		return fixed(100*m, 1) + nbsp + "%"
	}
	return percent(m)
}

func (in *Input) answered(r ladderStage, i int) answered {
	return answered{r.Name, in.label(r.Answers[i]), r.Answers[i] != in.Report.Answers.Labels[i]}
}

// dataURI is image i as a PNG inside a URI; "" for a shape that is no picture.
func dataURI(s *datasets.Split, i int) template.URL {
	if len(s.Shape) != 3 || s.Shape[0] != 1 && s.Shape[0] != 3 {
		return ""
	}
	h, w := s.Shape[1], s.Shape[2]
	pixels := s.Image(i)
	var img image.Image
	if s.Shape[0] == 1 {
		img = &image.Gray{Pix: pixels, Stride: w, Rect: image.Rect(0, 0, w, h)}
	} else {
		rgb := image.NewNRGBA(image.Rect(0, 0, w, h))
		for k := range h * w {
			rgb.SetNRGBA(k%w, k/w, color.NRGBA{pixels[k], pixels[h*w+k], pixels[2*h*w+k], 255})
		}
		img = rgb
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if encoder.Encode(&b, img) != nil {
		return ""
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes()))
}
