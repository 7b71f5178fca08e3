package task_test

import (
	"fmt"

	"qtool/task"
)

// What decides, in which direction, and how it is said.
func ExampleTask() {
	for _, t := range []task.Task{{Kind: task.Classification, Outputs: 2}, {Kind: task.Regression, Outputs: 1}} {
		m := t.Metric()
		fmt.Printf("%s: %s, 0.5 is better than 0.25: %v;", t.Kind, m.Title, m.Better(0.5, 0.25))
		for _, m := range t.Metrics() {
			fmt.Printf(" %s %s", m.Name, m.Format(0.5))
		}
		fmt.Println()
	}
	fmt.Println(task.Image.A(), task.Sentence.Count(2))
	// Output:
	// classification: accuracy, 0.5 is better than 0.25: true; accuracy 50.00 % auc 0.5000
	// regression: RMSE, 0.5 is better than 0.25: false; rmse 0.5 mae 0.5 r2 0.5000
	// an image 2 sentences
}
