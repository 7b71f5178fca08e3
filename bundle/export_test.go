package bundle

// What the tests of package bundle_test share with those of this package.
var (
	TinyProgram = tinyProgram
	GenProgram  = genProgram
	GenInput    = genInput
	Grid        = grid
)
