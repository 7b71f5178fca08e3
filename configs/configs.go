// Package configs holds the recipes that come with qtool, one file each. The
// recipe's name is its file's.
package configs

import "embed"

// Files are the recipes.
//
//go:embed *.yaml
var Files embed.FS
