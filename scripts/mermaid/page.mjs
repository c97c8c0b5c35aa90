// Writes a page that draws all Mermaid diagrams of some Markdown files and says what came of it.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const diagrams = process.argv.slice(2).flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/```mermaid\n([^]*?)```/g)].map((found, place) => ({
        name: `${basename(file)} ${place + 1}`,
        text: found[1],
    })),
);
if (diagrams.length === 0) {
    console.error("There is no diagram in these files.");
    process.exit(1);
}
console.log(`<!doctype html><meta charset="utf-8"><title>Diagrams</title>
<pre id="said"></pre>
<script src="node_modules/mermaid/dist/mermaid.min.js"></script>
<script>
const diagrams = ${JSON.stringify(diagrams).replaceAll("<", "\\u003c")};
mermaid.initialize({ startOnLoad: false, securityLevel: "strict", maxTextSize: 1e7, maxEdges: 1e5 });
(async () => {
    const lines = [];
    for (const [place, diagram] of diagrams.entries()) {
        try {
            const { svg } = await mermaid.render("diagram" + place, diagram.text);
            const boxes = (svg.match(/class="[^"]*node/g) ?? []).length;
            lines.push(boxes > 0 ? diagram.name + ": drawn, " + boxes + " boxes" : diagram.name + ": failed, it is empty");
        } catch (error) {
            lines.push(diagram.name + ": failed, " + String(error.message).split("\\n").join(" "));
        }
    }
    lines.push(lines.some((line) => line.includes(": failed")) ? "some failed" : "all drawn");
    document.getElementById("said").textContent = lines.join("\\n");
})();
</script>`);
