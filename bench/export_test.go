package bench

// KernelTasks are the tasks that do not depend on recipes.
func KernelTasks() (all []Task) {
	for _, k := range append(peaks(), kernels()...) {
		all = append(all, k.Task)
	}
	return all
}
