package webhook

import (
	_ "embed" // for the description
	"net/http"
)

// openAPI describes everything that calls serves. Tests hold both together and check
// every request and answer against it.
//
//go:embed openapi.json
var openAPI []byte

// OpenAPI returns the description of the HTTP API (OpenAPI 3.0, JSON), which is
// served at /api/openapi.json.
func OpenAPI() []byte { return append([]byte(nil), openAPI...) }

func (h *handler) describe(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Access-Control-Allow-Origin", "*") // it is the same for everybody and holds no secret
	_, _ = w.Write(openAPI)
	return nil
}
