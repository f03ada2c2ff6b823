//@ handlebars = "=6.4.4"
//@ serde_json = "1"

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext};
use serde_json::{Value, json};

fn data(seed: u64) -> Value {
    let mut state = seed;
    let items = (0..6).map(|n| json!({ "name": format!("<item {n}>"), "price": next(&mut state) % 100 }));
    json!({ "title": "List & more", "items": items.collect::<Vec<_>>(), "empty": [], "deep": { "a": { "b": seed } } })
}

fn rendered(template: &str, seed: u64) -> String {
    Handlebars::new().render_template(template, &data(seed)).unwrap_or_else(|error| error.to_string())
}

#[memo]
fn plain(seed: u64) -> String {
    rendered("{{title}} {{{title}}} {{deep.a.b}}", seed)
}

#[memo]
fn list(seed: u64) -> String {
    rendered("{{#each items}}{{@index}}: {{name}} {{price}}{{#unless @last}}, {{/unless}}{{/each}}", seed)
}

#[memo]
fn branches(seed: u64) -> String {
    rendered(
        "{{#if empty}}some{{else if title}}titled{{else}}none{{/if}} {{#with deep.a}}{{b}}{{/with}}",
        seed,
    )
}

#[memo]
fn compared(seed: u64) -> String {
    rendered(
        "{{#each items}}{{#if (and (gt price 20) (lt price 80))}}{{price}} {{/if}}{{/each}}{{len items}}",
        seed,
    )
}

#[memo]
fn looked_up(seed: u64) -> String {
    rendered("{{lookup items 2}} {{#each deep as |value key|}}{{key}}={{value.b}}{{/each}}", seed)
}

#[memo]
fn with_parts(seed: u64) -> String {
    let mut registry = Handlebars::new();
    registry.register_partial("row", "<li>{{name}}</li>").unwrap();
    registry.register_template_string("page", "<ul>{{#each items}}{{> row}}{{/each}}</ul>").unwrap();
    registry.render("page", &data(seed)).unwrap()
}

#[memo]
fn with_helper(seed: u64) -> String {
    fn twice(
        helper: &Helper<'_>,
        _: &Handlebars<'_>,
        _: &Context,
        _: &mut RenderContext<'_, '_>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let value = helper.param(0).and_then(|it| it.value().as_u64()).unwrap_or(0);
        Ok(out.write(&(2 * value).to_string())?)
    }
    let mut registry = Handlebars::new();
    registry.register_helper("twice", Box::new(twice));
    registry.render_template("{{#each items}}{{twice price}} {{/each}}", &data(seed)).unwrap()
}

#[memo]
fn strict(seed: u64) -> String {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    let template = ["{{nothing}}", "{{deep.a.c}}", "{{title}}"][seed as usize % 3];
    format!("{:?}", registry.render_template(template, &data(seed)).map_err(|error| error.to_string()))
}

#[memo]
fn malformed(seed: u64) -> String {
    rendered(["{{#if}}", "{{#each items}}{{/if}}", "{{title"][seed as usize % 3], seed)
}
