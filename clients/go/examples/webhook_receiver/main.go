// Webhook_receiver takes the events of a webhook: it checks every signature, and tells each event once.
//
//	SECRET=whsec_… go run ./examples/webhook_receiver
package main

// --8<-- [start:receiver]
import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

type receiver struct {
	webhook *standardwebhooks.Webhook
	seen    sync.Map // yours is a table, written in one transaction with what the event changes
}

type event struct {
	Type string
	Data struct{ MessageID, ToStatus string }
}

func (r *receiver) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	// Verify checks the signature, and that the request is no more than five minutes old.
	if err != nil || r.webhook.Verify(body, request.Header) != nil {
		answer.WriteHeader(http.StatusUnauthorized)
		return
	}
	var got event
	if err := json.Unmarshal(body, &got); err != nil {
		answer.WriteHeader(http.StatusBadRequest)
		return
	}
	if got.Type == "message.status" {
		if _, had := r.seen.LoadOrStore(request.Header.Get("webhook-id"), true); !had {
			fmt.Println(got.Data.MessageID, got.Data.ToStatus)
		}
	}
	answer.WriteHeader(http.StatusNoContent)
}

func main() {
	secret := os.Getenv("SECRET")
	webhook, err := standardwebhooks.NewWebhook(secret)
	// An empty secret would be one that everybody knows.
	if secret == "" || err != nil {
		log.Fatal("SECRET is not that of a webhook")
	}
	listener, err := net.Listen("tcp", ":"+cmp.Or(os.Getenv("PORT"), "8080"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, &receiver{webhook: webhook}))
}

// --8<-- [end:receiver]
