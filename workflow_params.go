package slipway

import (
	"maps"
	"regexp"
)

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

// LooksSecret tells by the name of a param that it holds a credential, where nothing else
// tells it.
func LooksSecret(name string) bool { return secretName.MatchString(name) }

var secretName = regexp.MustCompile(`(?i)token|passw(or)?d|passphrase|secret|credential|(api|access|private|ssh|deploy|signing)_?key`)

// ShownParams returns the params as people may see them: Mask in place of every
// credential. Which those are the definition says; while there is none, as before the
// plan is submitted, the names do.
func (w *WorkflowSpec) ShownParams() map[string]string {
	shown := maps.Clone(w.Params)
	secret := map[string]bool{}
	if w.Definition != nil {
		for _, p := range w.Definition.Params {
			secret[p.Name] = p.IsCredential
		}
	}
	for name, value := range shown {
		is, defined := secret[name]
		if value != "" && (is || !defined && LooksSecret(name)) {
			shown[name] = Mask
		}
	}
	return shown
}

// SetParams gives the workflow other params, as somebody wrote them who was shown
// ShownParams: Mask stands for the value that is there.
func (w *WorkflowSpec) SetParams(given map[string]string) {
	given = maps.Clone(given)
	for name, shown := range w.ShownParams() {
		if shown == Mask && given[name] == Mask {
			given[name] = w.Params[name]
		}
	}
	w.Params = given
}
