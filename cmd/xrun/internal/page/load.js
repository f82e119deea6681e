// Unpacks what is deflated, and runs the page's script.
(async () => {
  const text = async (id) => {
    const whole = document.getElementById(id).textContent, packed = JSON.parse(whole).deflated;
    if (!packed) return whole;
    const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text();
  };
  document.getElementById("data").textContent = await text("data");
  const script = document.createElement("script");
  script.textContent = await text("code");
  document.body.append(script);
})();
