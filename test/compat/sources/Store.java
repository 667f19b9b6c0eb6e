/* Store.java: keeps values: PUT stores a body under its path, GET gives it back. Four threads, a
 * timer, and garbage for the collector. The rule: what is answered comes from the one map. */
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Timer;
import java.util.TimerTask;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;

public class Store {
  static final Map<String, byte[]> values = new ConcurrentHashMap<>();
  static volatile List<String> garbage = new ArrayList<>();

  static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    if (body.length > 0) exchange.getResponseBody().write(body);
    exchange.close();
  }

  static void handle(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    byte[] body = exchange.getRequestBody().readAllBytes();
    List<String> more = new ArrayList<>();
    for (int i = 0; i < 200; i++) more.add(path + i);
    garbage = more;
    if (exchange.getRequestMethod().equals("PUT")) {
      values.put(path, body);
      answer(exchange, 200, ("stored " + body.length).getBytes());
      return;
    }
    byte[] value = values.get(path);
    if (value == null) answer(exchange, 404, "none".getBytes());
    else answer(exchange, 200, value);
  }

  public static void main(String[] arguments) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress("0.0.0.0", 8000), 128);
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.createContext("/", Store::handle);
    new Timer(true).schedule(new TimerTask() {
      public void run() {
        garbage = new ArrayList<>();
      }
    }, 5, 5);
    server.start();
  }
}
