module qtool/kernel/asm

go 1.26

require (
	github.com/mmcloughlin/avo v0.6.0
	qtool v0.0.0
)

require (
	golang.org/x/mod v0.21.0 // indirect
	golang.org/x/sync v0.12.0 // indirect
	golang.org/x/sys v0.34.0 // indirect
	golang.org/x/tools v0.26.0 // indirect
)

replace qtool => ../..
