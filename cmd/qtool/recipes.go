package main

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"qtool/recipe"
)

func newRecipesCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "recipes [NAME]",
		Short: "list the recipes, or print one to start your own from",
		Long: withExitStatus(`Recipes lists what qtool run -c takes by name. With a name it prints the whole
recipe, every default filled in: save it as a .yaml file and change it.`),
		Example: `  qtool recipes
  qtool recipes mnist-lenet1-square > mine.yaml
  qtool run -c mine.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return printRecipe(a, args[0])
			}
			return listRecipes(a)
		},
	}
}

func printRecipe(a *app, name string) error {
	r, err := recipe.Load(name, nil)
	if err != nil {
		return err
	}
	b, err := r.Encode()
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(b)
	return err
}

func listRecipes(a *app) error {
	type row struct {
		Name       string `json:"name"`
		About      string `json:"about"`
		Reproduces string `json:"reproduces"`
	}
	var rows []row
	for _, name := range recipe.Names() {
		r, err := recipe.Load(name, nil)
		if err != nil {
			return err
		}
		rows = append(rows, row{r.Name, r.About, r.Reproduces})
	}
	if a.json {
		return a.encode(rows)
	}
	t := newTable()
	t.AppendHeader(table.Row{"recipe", "what it is"})
	for _, r := range rows {
		t.AppendRow(table.Row{r.Name, r.About})
	}
	_, err := fmt.Fprintln(a.stdout, t.Render())
	return err
}
