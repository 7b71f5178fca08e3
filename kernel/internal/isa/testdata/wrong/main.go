// Command wrong links kernels that their level cannot run, for tests which have to
// find each of them.
package main

func highAVX2()
func evexAVX2()
func broadcastAVX2()
func maskAVX2()
func zmmAVX2_2x1()
func f16cAVX2()
func sse4AVX2()
func vexSSE2()
func popcntSSE2()
func ifmaAVX512()
func vbmiIFMA()
func vnniIFMA()
func bytesAVX2()
func rightAVX2()
func rightAVX512()
func rightIFMA()
func rightSSE2()
func unnamed()

func main() {
	for _, f := range []func(){
		highAVX2, evexAVX2, broadcastAVX2, maskAVX2, zmmAVX2_2x1, f16cAVX2, sse4AVX2, vexSSE2, popcntSSE2, ifmaAVX512, vbmiIFMA, vnniIFMA,
		bytesAVX2, rightAVX2, rightAVX512, rightIFMA, rightSSE2, unnamed,
	} {
		f()
	}
}
