package slipway

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// DefinitionChange is how a workflow differs from the one that a plan has frozen.
type DefinitionChange struct {
	// Digest names both workflows: whoever accepts the change says it.
	Digest string `json:"digest"`
	// Lines are the differences for people, as DiffWorkflow gives them.
	Lines []string `json:"lines"`
}

// CompareDefinitions returns how the workflow as it is now differs from the frozen
// one, nil if both say the same.
func CompareDefinitions(frozen, now *Workflow) *DefinitionChange {
	lines := DiffWorkflow(frozen, now)
	if lines == nil {
		return nil
	}
	sum := sha256.New()
	for _, w := range []*Workflow{frozen, now} {
		part := sha256.Sum256(w.canonical())
		sum.Write(part[:])
	}
	return &DefinitionChange{Digest: hex.EncodeToString(sum.Sum(nil)[:16]), Lines: lines}
}

// canonical is the same for workflows that say the same, in whatever order of keys.
func (w *Workflow) canonical() []byte {
	if w == nil {
		return nil
	}
	data, err := json.Marshal(w.tree())
	if err != nil {
		panic("slipway: workflow tree cannot be written: " + err.Error())
	}
	return data
}
