package material

import (
	"fmt"
	"strconv"
	"strings"

	"qtool/datasets"
	"qtool/internal/hint"
	"qtool/model"
)

// fits refuses data that are not what the network takes, or of other classes than it tells
// apart: one a logit or, of one logit, two.
func fits(d *datasets.Dataset, n *model.Network) error {
	shapes, err := n.Shapes()
	if err != nil {
		return err
	}
	if fmt.Sprint(d.Shape) != fmt.Sprint(n.Input) {
		return fmt.Errorf("%s of shape %v, network.input is %v", d.Unit().Many, d.Shape, n.Input)
	}
	out := shapes[len(shapes)-1][0]
	if out == d.Classes || out == 1 && d.Classes == 2 {
		return nil
	}
	err = fmt.Errorf("%d classes, the network's last layer has %d units", d.Classes, out)
	empty := d.EmptyClasses()
	switch {
	case len(empty) == 0:
		return err
	case len(empty) == 1 && empty[0] == 0 && out == d.Classes-1:
		return hint.With(fmt.Errorf("%w: class 0 has no %s, labels begin at 1", err, d.Unit().One),
			fmt.Sprintf("labels count from 0: take 1 from each of them, or give the last layer %d units, the first of which nothing trains", d.Classes))
	}
	return hint.With(fmt.Errorf("%w: %s no %s", err, ClassesHave(empty), d.Unit().One),
		fmt.Sprintf("labels count from 0 without gaps: renumber them, or give the last layer %d units", d.Classes))
}

// ClassesHave names classes as a sentence begins that says what they have: "class 3 has",
// "classes 1 and 2 have".
func ClassesHave(classes []int) string {
	const most = 10
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = strconv.Itoa(c)
	}
	if len(names) == 1 {
		return "class " + names[0] + " has"
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(classes)-most))
	}
	last := len(names) - 1
	return "classes " + strings.Join(names[:last], ", ") + " and " + names[last] + " have"
}
