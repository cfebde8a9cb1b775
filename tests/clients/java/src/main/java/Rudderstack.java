import com.rudderstack.sdk.java.analytics.Callback;
import com.rudderstack.sdk.java.analytics.RudderAnalytics;
import com.rudderstack.sdk.java.analytics.messages.AliasMessage;
import com.rudderstack.sdk.java.analytics.messages.GroupMessage;
import com.rudderstack.sdk.java.analytics.messages.IdentifyMessage;
import com.rudderstack.sdk.java.analytics.messages.Message;
import com.rudderstack.sdk.java.analytics.messages.MessageBuilder;
import com.rudderstack.sdk.java.analytics.messages.PageMessage;
import com.rudderstack.sdk.java.analytics.messages.ScreenMessage;
import com.rudderstack.sdk.java.analytics.messages.TrackMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

public class Rudderstack {
  public static void main(String[] arguments) throws Exception {
    List<MessageBuilder<?, ?>> messages = messages();
    CountDownLatch answered = new CountDownLatch(messages.size());
    RudderAnalytics analytics =
        RudderAnalytics.builder(System.getenv("WRITE_KEY")) // a server key
            .setDataPlaneUrl(System.getenv("ENDPOINT"))
            .setGZIP(true)
            .flushQueueSize(10)
            .callback(new Answered(answered))
            .build();
    for (MessageBuilder<?, ?> message : messages) {
      analytics.enqueue(message.userId("user-1"));
    }
    analytics.flush();
    answered.await(); // until each was answered, or given up
    analytics.shutdown();
  }

  private static List<MessageBuilder<?, ?>> messages() {
    Map<String, ?> consent = Map.of("deniedConsentIds", List.of("marketing"));
    List<MessageBuilder<?, ?>> messages = new ArrayList<>();
    messages.add(
        IdentifyMessage.builder()
            .traits(Map.of("email", "ann@example.org", "firstName", "Ann"))
            .context(Map.of("consentManagement", consent)));
    for (int number = 0; number < 25; number++) {
      messages.add(
          TrackMessage.builder("Order Completed").properties(Map.of("revenue", number)));
    }
    messages.add(PageMessage.builder("Home"));
    messages.add(ScreenMessage.builder("Start"));
    messages.add(GroupMessage.builder("group-1"));
    messages.add(AliasMessage.builder("before-1"));
    return messages;
  }

  /** Counts down once a message was answered, or given up. */
  private static class Answered implements Callback {
    private final CountDownLatch open;

    Answered(CountDownLatch open) {
      this.open = open;
    }

    @Override
    public void success(Message message) {
      open.countDown();
    }

    @Override
    public void failure(Message message, Throwable error) {
      error.printStackTrace();
      open.countDown();
    }
  }
}
