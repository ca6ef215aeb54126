module github.com/sluice-ml/sluice/cpu/gen

go 1.26.0

require github.com/mmcloughlin/avo v0.6.0

// avo asks for x/tools v0.16.1, which does not build with Go 1.26.
require (
	golang.org/x/mod v0.33.0 // indirect
	golang.org/x/sync v0.19.0 // indirect
	golang.org/x/tools v0.42.0 // indirect
)
