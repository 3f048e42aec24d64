package slipway

// WithParams returns the workflow with the values that a plan gives to its
// parameters; the workflow itself stays as it is.
func (w *Workflow) WithParams(values map[string]string) *Workflow {
	if len(values) == 0 {
		return w
	}
	c := w.Clone()
	for i := range c.Params {
		if v, ok := values[c.Params[i].Name]; ok {
			c.Params[i].Value = v
		}
	}
	return c
}
