// Writes dashboards as TypeScript, each of its parts with the type that Grafana declares for it. Literals are checked for
// keys that the type does not have, too, so a misspelt option fails.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const kinds = ["bargauge:BarGauge", "stat:Stat", "table:Table", "timeseries:TimeSeries"].map((kind) => kind.split(":"));

console.log(`import type { Dashboard } from "@grafana/schema";`);
for (const [kind, name] of kinds) {
    const path = `@grafana/schema/dist/esm/raw/composable/${kind}/panelcfg/x/${name}PanelCfg_types.gen`;
    const field = kind === "table" || kind === "timeseries" ? `FieldConfig as ${kind}Field, ` : "";
    console.log(`import type { ${field}Options as ${kind}Options } from "${path}";`);
}
console.log(`
// JSON has the values of enumerations, not their names.
type Plain<T> = unknown extends T ? T
    : T extends string ? \`\${T}\`
    : T extends number ? (\`\${T}\` extends \`\${infer N extends number}\` ? N : T)
    : T extends boolean | null | undefined ? T
    : T extends Array<infer U> ? Plain<U>[]
    : T extends object ? { [K in keyof T]: Plain<T[K]> }
    : T;
// What the plugin for PostgreSQL reads of a query.
interface Query {
    refId: string;
    datasource?: { type: "grafana-postgresql-datasource"; uid: string };
    format: "table" | "time_series";
    rawQuery: true;
    editorMode: "code";
    rawSql: string;
}
type Nothing = Record<string, never>;`);

process.argv.slice(2).forEach((file, number) => {
    const dashboard = JSON.parse(readFileSync(file, "utf8"));
    const declare = (name, type, value) =>
        console.log(`export const d${number}_${name}: ${type} = ${JSON.stringify(value)};`);
    console.log(`\n// ${basename(file)}`);
    for (const annotation of dashboard.annotations.list) {
        declare(`annotation_${annotation.name}`, "Query", annotation.target);
        delete annotation.target;
    }
    for (const panel of dashboard.panels) {
        declare(`panel_${panel.id}_queries`, "Query[]", panel.targets);
        panel.targets = [];
        declare(`panel_${panel.id}_options`, `Partial<Plain<${panel.type}Options>>`, panel.options);
        const field = panel.fieldConfig.defaults.custom ?? {};
        const type = Object.keys(field).length === 0 ? "Nothing" : `Partial<Plain<${panel.type}Field>>`;
        declare(`panel_${panel.id}_field`, type, field);
    }
    declare("whole", "Plain<Dashboard>", dashboard);
});
