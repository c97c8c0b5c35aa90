//! From SVG to pixels.

use resvg::{tiny_skia, usvg};

use crate::error::{Error, Result};
use crate::font;

/// Rasterises an SVG of this crate as PNG with the font that is shipped with the program, so that the picture is the
/// same on every machine. `scale` 1 gives one pixel for every unit of the SVG, 2 four.
///
/// # Errors
/// When the text is not an SVG, or the picture would have no pixels or more than 100 million.
///
/// # Examples
/// ```
/// let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='8' height='4'><rect width='8' height='4'/></svg>";
/// let png = audit_report::png(svg, 2.0)?;
/// assert_eq!(&png[1..4], b"PNG");
/// # Ok::<(), audit_report::Error>(())
/// ```
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>> {
    let failed = |reason: String| Error::Raster { reason };
    let options = usvg::Options {
        font_family: "Noto Sans".into(),
        fontdb: font::database(),
        // A picture never reads a file or an address.
        image_href_resolver: usvg::ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| failed(error.to_string()))?;
    let size = tree.size();
    let (width, height) = (
        (size.width() * scale).round(),
        (size.height() * scale).round(),
    );
    if !(1.0..=100_000_000.0).contains(&(width * height)) || width < 1.0 || height < 1.0 {
        return Err(failed(format!("a picture of {width} × {height} pixels")));
    }
    let mut pixels = tiny_skia::Pixmap::new(width as u32, height as u32)
        .ok_or_else(|| failed(format!("a picture of {width} × {height} pixels")))?;
    resvg::render(
        &tree,
        tiny_skia::Transform::from_scale(scale, scale),
        &mut pixels.as_mut(),
    );
    pixels
        .encode_png()
        .map_err(|error| failed(error.to_string()))
}
