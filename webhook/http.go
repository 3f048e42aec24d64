package webhook

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// MaxBody is the size of the largest request body, in bytes.
const MaxBody = 1 << 20

// DefaultHeartbeat is how often an event stream shows that it is alive.
const DefaultHeartbeat = 15 * time.Second

// HandlerConfig is what the machine-facing HTTP needs.
type HandlerConfig struct {
	Commands *commands.Commands
	Store    *storage.Store
	Rules    func() *slipway.Rules // the settings in force
	Notices  Notices               // nil: event streams look at the database with every heartbeat only
	Engines  EngineNotices         // nil: no engine sends notices
	Checks   *commands.Checks      // nil: no other system's checks are decided here
	Now      func() time.Time
	Rand     io.Reader    // where references to faults come from
	Log      *slog.Logger // nil: nothing is logged
	// CallbackRate is how often one sender may call back; zero: DefaultCallbackRate.
	CallbackRate Rate
	// Heartbeat is how often event streams show that they are alive and look for
	// changes that no notice told of; zero: DefaultHeartbeat.
	Heartbeat time.Duration
}

type handler struct {
	HandlerConfig
	senders *senders
}

// NewHandler returns the handler of the paths below /api: callbacks, the REST API and
// its description. Whatever it refuses is answered as JSON. A client's address is the
// request's RemoteAddr; behind a proxy, set that first. Event streams end with the
// request's context, so a server that shuts down must cancel its base context.
func NewHandler(c HandlerConfig) http.Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = DefaultHeartbeat
	}
	h := &handler{HandlerConfig: c, senders: newSenders(c.CallbackRate)}
	methods := map[string]byMethod{}
	for _, c := range h.calls() {
		if methods[c.path] == nil {
			methods[c.path] = byMethod{}
		}
		methods[c.path][c.method] = c.serve
	}
	mux := http.NewServeMux()
	for path, m := range methods {
		mux.Handle(path, h.serve(m.serve))
	}
	mux.Handle("/", h.serve(func(http.ResponseWriter, *http.Request) error {
		return slipway.Refuse(slipway.NotFound, "There is nothing at this address. /api/openapi.json describes what there is.",
			"该地址不存在，可用的接口见 /api/openapi.json。")
	}))
	return mux
}

// action answers a request, or returns why not.
type action func(http.ResponseWriter, *http.Request) error

// call is one thing that may be asked for.
type call struct {
	method, path string
	serve        action
}

// calls is the table of everything that may be asked for. openapi.json has the same
// rows, which a test makes sure of.
func (h *handler) calls() []call {
	list := []call{
		{"POST", "/api/callback/release_plan", h.callback},
		{"POST", "/api/callback/release_plan/{code}", h.callbackTo},
		{"POST", "/api/hooks/zadig", h.zadigHook},
		{"POST", "/api/engine/{engine}", h.engineNotice},
		{"GET", "/api/openapi.json", h.describe},
		{"GET", "/api/v1/me", h.signedIn(h.me)},
		{"GET", "/api/v1/users", h.signedIn(h.listUsers)},
		{"POST", "/api/v1/users", h.signedIn(h.addUser)},
		{"GET", "/api/v1/away", h.signedIn(h.showAway)},
		{"PUT", "/api/v1/users/{id}/away", h.signedIn(h.putAway)},
		{"DELETE", "/api/v1/users/{id}/away", h.signedIn(h.dropAway)},
		{"PUT", "/api/v1/users/{id}/hours", h.signedIn(h.setHours)},
		{"GET", "/api/v1/plans", h.signedIn(h.listPlans)},
		{"POST", "/api/v1/plans", h.signedIn(h.createPlan)},
		{"GET", "/api/v1/plans/{id}", h.signedIn(h.showPlan)},
		{"PUT", "/api/v1/plans/{id}", h.signedIn(h.replacePlan)},
		{"POST", "/api/v1/plans/{id}/copy", h.signedIn(h.copyPlan)},
		{"POST", "/api/v1/plans/{id}/ask_again", h.signedIn(h.askAgain)},
		{"POST", "/api/v1/plans/{id}/transfer", h.signedIn(h.transferPlan)},
		{"GET", "/api/v1/plans/{id}/log", h.signedIn(h.planLog)},
		{"GET", "/api/v1/plans/{id}/deliveries", h.signedIn(h.planDeliveries)},
		{"GET", "/api/v1/plans/{id}/runs", h.signedIn(h.planRuns)},
		{"GET", "/api/v1/runs/{id}/log", h.signedIn(h.runLog)},
		{"POST", "/api/v1/deliveries/{id}/replay", h.signedIn(h.replay)},
		{"GET", "/api/v1/deliveries", h.signedIn(h.listDeliveries)},
		{"GET", "/api/v1/deliveries/{id}", h.signedIn(h.showDelivery)},
		{"GET", "/api/v1/deliveries/export", h.signedIn(h.exportDeliveries)},
		{"POST", "/api/v1/deliveries/replay", h.signedIn(h.replayMany)},
		{"GET", "/api/v1/endpoints", h.signedIn(adminsOnly(h.listEndpoints))},
		{"GET", "/api/v1/endpoints/{name}", h.signedIn(adminsOnly(h.showEndpoint))},
		{"PUT", "/api/v1/endpoints/{name}", h.signedIn(adminsOnly(h.putEndpoint))},
		{"DELETE", "/api/v1/endpoints/{name}", h.signedIn(adminsOnly(h.deleteEndpoint))},
		{"POST", "/api/v1/endpoints/{name}/rotate", h.signedIn(adminsOnly(h.rotateSecret))},
		{"POST", "/api/v1/endpoints/{name}/enable", h.signedIn(adminsOnly(h.enableEndpoint))},
		{"POST", "/api/v1/endpoints/{name}/disable", h.signedIn(adminsOnly(h.disableEndpoint))},
		{"POST", "/api/v1/endpoints/{name}/test", h.signedIn(adminsOnly(h.testEndpoint))},
		{"GET", "/api/v1/events", h.signedIn(h.events)},
	}
	for verb, do := range h.planVerbs() {
		list = append(list, call{"POST", "/api/v1/plans/{id}/" + string(verb), h.signedIn(h.planVerb(verb, do))})
	}
	for verb, do := range h.itemVerbs() {
		list = append(list, call{"POST", "/api/v1/plans/{id}/jobs/{job}/" + string(verb), h.signedIn(h.itemVerb(do))})
	}
	for verb, do := range h.runVerbs() {
		list = append(list, call{"POST", "/api/v1/plans/{id}/jobs/{job}/" + string(verb), h.signedIn(h.runVerb(do))})
	}
	return list
}

// byMethod are the actions of one path.
type byMethod map[string]action

func (m byMethod) serve(w http.ResponseWriter, r *http.Request) error {
	if do, ok := m[r.Method]; ok {
		return do(w, r)
	}
	if do, ok := m[http.MethodGet]; ok && r.Method == http.MethodHead {
		return do(w, r)
	}
	var allow []string
	for method := range m {
		allow = append(allow, method)
	}
	slices.Sort(allow)
	w.Header().Set("Allow", strings.Join(allow, ", "))
	return slipway.Refuse(methodNotAllowed, "%[2]s is expected here, not %[1]s.", "此处应使用 %[2]s，而不是 %[1]s。",
		r.Method, strings.Join(allow, ", "))
}

// methodNotAllowed is a code that only HTTP has.
const methodNotAllowed slipway.Code = "method_not_allowed"

// serve turns what an action returns into an answer.
func (h *handler) serve(do action) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := do(w, r); err != nil {
			h.refuse(w, r, err)
		}
	})
}

// errorAnswer is the body of every answer that is not a success.
type errorAnswer struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Code      slipway.Code  `json:"code"`
	Message   string        `json:"message"`
	Problems  []problemBody `json:"problems,omitempty"`
	Reference string        `json:"reference,omitempty"` // finds a fault of ours in the log
}

type problemBody struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// refuse answers an error in the caller's language. A fault of Slipway is logged with
// its cause, and the caller is told a reference to it.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if storage.Unreachable(err) && slipway.CodeOf(err) == slipway.Internal {
		err = slipway.Refuse(slipway.Unavailable,
			"The database does not answer at the moment. Try again; with the same Idempotency-Key nothing is done twice.",
			"数据库暂时没有响应，请稍后重试；使用相同的 Idempotency-Key 不会重复执行。").Because(err)
		w.Header().Set("Retry-After", "1")
	}
	code, lang := slipway.CodeOf(err), language(r)
	body := errorBody{Code: code, Message: slipway.TextOf(err).In(lang)}
	for _, p := range slipway.ProblemsOf(err) {
		body.Problems = append(body.Problems, problemBody{Path: p.Path, Message: p.Text.In(lang)})
	}
	status := statusOf(code, r.Method)
	log := h.Log.With("method", r.Method, "path", r.URL.Path, "status", status, "code", string(code))
	switch {
	case r.Context().Err() != nil:
		log.InfoContext(r.Context(), "client has gone")
	case status == http.StatusInternalServerError:
		body.Reference = h.reference()
		body.Message += slipway.T(" Reference: %s.", "参考编号：%s。", body.Reference).In(lang)
		log.ErrorContext(r.Context(), "request failed", "reference", body.Reference, "error", err)
	case status == http.StatusServiceUnavailable:
		log.WarnContext(r.Context(), "request failed", "error", err)
	default:
		log.InfoContext(r.Context(), "request refused")
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="slipway"`)
	}
	w.Header().Set("Content-Language", string(lang))
	writeJSON(w, status, errorAnswer{Error: body})
}

func statusOf(code slipway.Code, method string) int {
	switch code {
	case slipway.Invalid:
		return http.StatusBadRequest
	case slipway.Unauthenticated:
		return http.StatusUnauthorized
	case slipway.Forbidden:
		return http.StatusForbidden
	case slipway.NotFound:
		return http.StatusNotFound
	case methodNotAllowed:
		return http.StatusMethodNotAllowed
	case slipway.Stale:
		if method == http.MethodPut {
			return http.StatusPreconditionFailed
		}
		return http.StatusConflict
	case slipway.Conflict:
		return http.StatusConflict
	case slipway.Unfit:
		return http.StatusUnprocessableEntity
	case slipway.TooLarge:
		return http.StatusRequestEntityTooLarge
	case slipway.TooMany:
		return http.StatusTooManyRequests
	case slipway.Unavailable:
		return http.StatusServiceUnavailable
	case slipway.Internal:
	}
	return http.StatusInternalServerError
}

func (h *handler) reference() string {
	b := make([]byte, 4)
	if _, err := io.ReadFull(h.Rand, b); err != nil {
		return "unknown" // the answer must not fail for want of a reference
	}
	return hex.EncodeToString(b)
}

// writeJSON answers with a value. Every value that is given to it marshals.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // the type and nosniff below keep it from being read as HTML
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("marshal answer: %v", err))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a client that has gone needs no answer
}

// readBody reads the whole body of a request.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return readBodyOf(w, r, MaxBody)
}

func readBodyOf(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, slipway.Refuse(slipway.TooLarge, "The body is larger than %d MiB.", "请求体超过 %d MiB。", limit>>20)
	case err != nil:
		return nil, slipway.Refuse(slipway.Invalid, "The body did not arrive whole.", "请求体不完整。").Because(err)
	}
	if !utf8.Valid(body) {
		return nil, slipway.Refuse(slipway.Invalid, "The body is not UTF-8.", "请求体不是有效的 UTF-8。")
	}
	return body, nil
}
