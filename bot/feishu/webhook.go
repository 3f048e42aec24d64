package feishu

import (
	"encoding/json"
	"errors"
	"net/http"

	"slipway/bot/sealed"
)

// Routes returns the handler of Feishu's requests: POST /feishu/events and POST
// /feishu/cards. Both take events as well as callbacks, because the two addresses are
// easily mixed up in Feishu's console. With the long connection there is nothing there.
func (f *Feishu) Routes() http.Handler {
	mux := http.NewServeMux()
	if f.Mode == modeHTTP {
		mux.HandleFunc("POST /feishu/events", f.serve)
		mux.HandleFunc("POST /feishu/cards", f.serve)
	}
	return mux
}

// serve takes one request.
func (f *Feishu) serve(w http.ResponseWriter, r *http.Request) {
	payload, challenge, err := f.open(w, r)
	if err != nil {
		f.refuse(w, r, err)
		return
	}
	if challenge != "" {
		respond(w, http.StatusOK, map[string]string{"challenge": challenge})
		return
	}
	a, err := f.receive(r.Context(), payload)
	if err != nil {
		f.refuse(w, r, err)
		return
	}
	defer a.answered()
	respond(w, http.StatusOK, a.body)
	// What waits for the answer must not overtake it.
	_ = http.NewResponseController(w).Flush() // not every writer can; then the end of the request does it
}

// open verifies and decrypts a request. It returns the event, or the challenge with
// which Feishu checks the address; that one comes without a signature, has no effect and
// is known by its token alone.
func (f *Feishu) open(w http.ResponseWriter, r *http.Request) (payload []byte, challenge string, err error) {
	body, err := sealed.Body(w, r)
	if err != nil {
		return nil, "", err
	}
	signed := verify(r.Header.Get("X-Lark-Request-Timestamp"), r.Header.Get("X-Lark-Request-Nonce"), r.Header.Get("X-Lark-Signature"), f.EncryptKey, body, f.Now())
	if signed != nil && !errors.Is(signed, sealed.ErrUnsigned) {
		return nil, "", signed
	}
	var outer struct {
		Encrypt string `json:"encrypt"`
	}
	if err := json.Unmarshal(body, &outer); err != nil {
		return nil, "", errors.Join(sealed.ErrMalformed, signed)
	}
	if outer.Encrypt == "" {
		return nil, "", errors.Join(errPlain, signed)
	}
	payload, err = decrypt(outer.Encrypt, f.EncryptKey)
	if err != nil {
		return nil, "", errors.Join(err, signed)
	}
	var hello struct {
		Type, Token, Challenge string
	}
	if err := json.Unmarshal(payload, &hello); err != nil {
		return nil, "", errors.Join(sealed.ErrMalformed, signed)
	}
	if hello.Type != "url_verification" {
		return payload, "", signed
	}
	if f.VerificationToken != "" && !sealed.Equal(hello.Token, f.VerificationToken) {
		return nil, "", errToken
	}
	return nil, hello.Challenge, nil
}

// statusOf is the HTTP status of a refusal, which the long connection uses too.
func statusOf(err error) int {
	if errors.Is(err, errToken) || errors.Is(err, errPlain) {
		return http.StatusUnauthorized
	}
	return sealed.Status(err)
}

// refuse answers a request that is not taken, and notes it in one line.
func (f *Feishu) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f.Log.WarnContext(r.Context(), "feishu request refused", "path", r.URL.Path, "from", r.RemoteAddr, "reason", oneLine(err.Error()))
	status := statusOf(err)
	respond(w, status, map[string]any{"code": status, "msg": http.StatusText(status)})
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(encode(body)) // who hung up asks again
}
