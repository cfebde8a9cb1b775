package main

import (
	"os"

	"github.com/rudderlabs/analytics-go/v4"
)

func main() {
	client, err := analytics.NewWithConfig(os.Getenv("WRITE_KEY"), analytics.Config{
		DataPlaneUrl: os.Getenv("ENDPOINT"),
		BatchSize:    10,
	})
	if err != nil {
		panic(err)
	}
	consent := map[string]interface{}{"deniedConsentIds": []string{"marketing"}}
	context := &analytics.Context{Extra: map[string]interface{}{"consentManagement": consent}}

	messages := []analytics.Message{analytics.Identify{
		UserId:  "user-1",
		Traits:  analytics.NewTraits().SetEmail("ann@example.org").SetFirstName("Ann"),
		Context: context,
	}}
	for number := 0; number < 25; number++ {
		properties := analytics.NewProperties().SetRevenue(float64(number))
		messages = append(messages, analytics.Track{
			UserId: "user-1", Event: "Order Completed", Properties: properties,
		})
	}
	messages = append(messages,
		analytics.Page{UserId: "user-1", Name: "Home"},
		analytics.Screen{UserId: "user-1", Name: "Start"},
		analytics.Group{UserId: "user-1", GroupId: "group-1"},
		analytics.Alias{UserId: "user-1", PreviousId: "before-1"},
	)
	for _, message := range messages {
		if err := client.Enqueue(message); err != nil {
			panic(err)
		}
	}
	client.Close() // sends what is left
}
