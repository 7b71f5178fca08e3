// Package lower turns an integer program into linear maps on packed vectors:
// which value stands in which slot, which rotations bring the inputs of a layer
// to its outputs, and how many of each there are. It knows no encryption; one
// lowering serves every scheme whose slots can be added, multiplied and rotated.
package lower
