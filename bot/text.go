package bot

import (
	"fmt"
	"maps"
	"slices"

	"slipway"
)

func planNumber(p *slipway.Plan) string { return fmt.Sprintf("#%d", p.Index) }

// actorName is how an actor is called in running text: the system has a name in each
// language.
func actorName(name string) slipway.Text {
	if name == slipway.SystemName {
		return slipway.T("Slipway", "系统")
	}
	return slipway.Text{EN: name, ZH: name}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
