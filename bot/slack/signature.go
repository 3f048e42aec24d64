package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// signatureAge is how old or how far in the future a signed request may be.
const signatureAge = 5 * time.Minute

var (
	errUnsigned = errors.New("the request is not signed")
	errForged   = errors.New("the signature is wrong")
	errExpired  = errors.New("the request is too old")
)

// verify checks that Slack signed a request, and just now. It does what the library's
// verifier does, by the clock it is given.
func verify(header http.Header, body []byte, secret string, now time.Time) error {
	stamp := header.Get("X-Slack-Request-Timestamp")
	given, ok := strings.CutPrefix(header.Get("X-Slack-Signature"), "v0=")
	if stamp == "" || !ok || secret == "" {
		return errUnsigned
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errUnsigned
	}
	signature, err := hex.DecodeString(given)
	if err != nil {
		return errForged
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	if !hmac.Equal(mac.Sum(nil), signature) {
		return errForged
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > signatureAge {
		return errExpired
	}
	return nil
}
