import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.Yaml;

/**
 * The readings of a create that the Skaha server does with parts of others: Tomcat decodes the form, the JDK splits and
 * replaces, SnakeYAML reads and writes, kubectl creates. Steps and order: `CONTRIBUTING.md`, "Real parts of the server".
 *
 * Arguments: a folder for files, the URL of the API server for kubectl. Prints its port.
 */
public class Server extends HttpServlet {
    private static final String TEMPLATE = String.join("\n",
        "apiVersion: batch/v1", "kind: Job", "metadata:", "  name: \"NAME\"", "spec:", "  template:", "    spec:",
        "      restartPolicy: Never", "      containers:", "      - name: \"NAME\"", "        ${headless.image.bundle}",
        "        - name: skaha_sessionid", "          value: \"ID\"", "");

    private final Path folder;
    private final String cluster;
    private final List<String> sessions = new ArrayList<>();

    Server(Path folder, String cluster) {
        this.folder = folder;
        this.cluster = cluster;
    }

    public static void main(String[] arguments) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(arguments[0]);
        tomcat.setHostname("127.0.0.1");
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        Context context = tomcat.addContext("", arguments[0]);
        Tomcat.addServlet(context, "skaha", new Server(Path.of(arguments[0]), arguments[1]));
        context.addServletMappingDecoded("/*", "skaha");
        tomcat.start();
        System.out.println(tomcat.getConnector().getLocalPort());
        tomcat.getServer().await();
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String path = request.getPathInfo();
        String id = path.substring(path.lastIndexOf('/') + 1);
        if (path.endsWith("/context")) {
            send(response, 200, "{\"cores\":{\"options\":[1,2]},\"memoryGB\":{\"options\":[1,2,4]},\"gpus\":{\"options\":[1]}}");
        } else if (path.endsWith("/image")) {
            send(response, 200, "[{\"id\":\"images.canfar.net/skaha/astroml:24.07\",\"types\":[\"headless\"],\"digest\":\"x\"}]");
        } else if (path.endsWith("/repository")) {
            send(response, 200, "[\"images.canfar.net\"]");
        } else if (path.endsWith("/session")) {
            send(response, 200, "[" + String.join(",", sessions) + "]");
        } else {
            String found = sessions.stream().filter(one -> one.contains("\"id\":\"" + id + "\"")).findFirst().orElse(null);
            send(response, found == null ? 404 : 200, found == null ? "session " + id + " not found\n" : found);
        }
    }

    @Override
    protected synchronized void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String id = String.format("s%07d", sessions.size());
        String name = request.getParameter("name");
        try {
            create(name, id, bundle(request));
        } catch (IllegalArgumentException error) {
            send(response, 400, error.getMessage() + "\n");
            return;
        } catch (Exception error) {
            send(response, 500, "unexpected exception: " + error);
            return;
        }
        sessions.add("{\"id\":\"" + id + "\",\"userid\":\"me\",\"image\":\"" + request.getParameter("image")
            + "\",\"type\":\"headless\",\"status\":\"Running\",\"name\":\"" + name
            + "\",\"startTime\":\"2026-01-02T03:04Z\",\"connectURL\":\"\",\"isFixedResources\":false}");
        send(response, 200, id + "\n");
    }

    /** Image, cmd, args and env as the text of a template: every part between quotes, names of variables without. */
    private static String bundle(HttpServletRequest request) {
        StringBuilder text = new StringBuilder("image: \"" + request.getParameter("image") + "\"");
        String cmd = request.getParameter("cmd");
        String args = request.getParameter("args");
        if (cmd != null) {
            text.append("\n        command: [\"").append(cmd).append("\"]");
        }
        if (args != null && args.split(" ").length > 0) {
            text.append("\n        args: [\"").append(String.join("\", \"", args.split(" "))).append("\"]");
        }
        text.append("\n        env:");
        String[] variables = request.getParameterValues("env");
        for (String variable : variables == null ? new String[0] : variables) {
            String[] parts = variable.split("=");
            if (parts.length == 2) {
                text.append("\n        - name: ").append(parts[0]).append("\n          value: \"").append(parts[1]).append("\"");
            }
        }
        return text.toString();
    }

    private void create(String name, String id, String bundle) throws Exception {
        String filled = TEMPLATE.replaceAll("\\$[{]headless\\.image\\.bundle[}]", bundle).replace("NAME", name).replace("ID", id);
        Path file = folder.resolve(id + ".yaml");
        Files.writeString(file, written(filled), StandardCharsets.UTF_8);
        Process kubectl = new ProcessBuilder("kubectl", "--server", cluster, "--kubeconfig", "/dev/null", "--cache-dir",
            folder.resolve("cache").toString(), "create", "--validate=false", "-f", file.toString())
            .redirectErrorStream(true).start();
        String said = new String(kubectl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (kubectl.waitFor() != 0) {
            throw new IllegalStateException(said);
        }
    }

    /** The job as SnakeYAML reads it and writes it again; what it read as a name of a variable becomes text. */
    @SuppressWarnings("unchecked")
    private static String written(String filled) {
        DumperOptions options = new DumperOptions();
        options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
        Yaml yaml = new Yaml(options);
        Map<String, Object> job = yaml.load(filled);
        Map<String, Object> pod = (Map<String, Object>) ((Map<String, Object>) ((Map<String, Object>) job.get("spec")).get("template")).get("spec");
        for (Map<String, Object> container : (List<Map<String, Object>>) pod.get("containers")) {
            for (Map<String, Object> variable : (List<Map<String, Object>>) container.get("env")) {
                Object name = variable.get("name");
                variable.put("name", name instanceof String ? name : yaml.dump(name).strip());
            }
        }
        return yaml.dump(job);
    }

    private static void send(HttpServletResponse response, int status, String body) throws IOException {
        response.setStatus(status);
        response.setContentType(body.startsWith("[") || body.startsWith("{") ? "application/json" : "text/plain");
        response.setHeader("x-vo-authenticated", "me");
        try (OutputStream out = response.getOutputStream()) {
            out.write(body.getBytes(StandardCharsets.UTF_8));
        }
    }
}
