package bot_test

import (
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// Hooks that nobody took are found from chat and sent again together.
func TestHooksThatWereGivenUpAreSentAgainFromChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Endpoints = []slipway.Endpoint{{Name: "wall", URL: "https://wall.example.com", Events: slipway.Events()}}
	w.wantWhisper(w.alice.Say(w.room, "hooks"), "Every hook has arrived")
	w.alice.Say(w.room, "new payments 4.2")
	w.alice.Say(w.room, "add #1 announce: Tell the hotline")
	w.alice.Say(w.room, "submit #1")
	ds, err := w.store.Deliveries(t.Context(), w.plan(1).ID)
	if err != nil || len(ds) != 1 {
		t.Fatalf("%d deliveries, %v", len(ds), err)
	}
	if err := w.store.SettleDelivery(t.Context(), ds[0].ID, storage.DeliveryFailed, "answered 503", time.UnixMilli(1795521600000)); err != nil {
		t.Fatal(err)
	}
	w.wantWhisper(w.bob.Say(w.room, "hooks"), "payments 4.2")
	w.wantToast(w.bob.Say(w.room, "hooks replay"), bot.ToastInfo, "0 of 1 hooks that were given up are sent again. 1 are of plans that somebody else manages.")
	w.wantWhisper(w.alice.Say(w.room, "hooks replay nobody"), "There is no endpoint nobody")
	w.wantWhisper(w.alice.Say(w.room, "hooks #1 please"), "is too much here")
	for _, typed := range []string{"hooks since=2h", "hooks #1 since=2h", "推送 从=昨天 至=今天"} {
		w.wantWhisper(w.bob.Say(w.room, typed), "payments 4.2")
	}
	w.wantWhisper(w.bob.Say(w.room, "hooks until=yesterday"), "Every hook has arrived")
	w.wantWhisper(w.bob.Say(w.room, "hooks since=soon"), "is not a time that is understood")
	w.wantWhisper(w.bob.Say(w.room, "hooks since=1h since=2h"), "given twice")
	w.wantToast(w.alice.Say(w.room, "hooks replay wall until=yesterday"), bot.ToastInfo, "0 of 0 hooks")
	w.wantToast(w.alice.Say(w.room, "推送 #1 重发 wall 从=2h"), bot.ToastDone, "1")
	if d, err := w.store.Delivery(t.Context(), ds[0].ID); err != nil || d.State != storage.DeliveryPending {
		t.Errorf("the delivery is %s, %v", d.State, err)
	}
}
