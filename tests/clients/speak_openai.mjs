// Speaks to a studio with OpenAI's own client for Node and prints what came of it.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
const [, , folder, base, picture] = process.argv;
const require = createRequire(path.join(folder, "package.json"));
const { OpenAI, toFile } = require("openai");
const client = new OpenAI({ baseURL: base, apiKey: "any" });
const small = { size: "160x90", seconds: "1" };
const wait = async (id) => {
  for (;;) {
    const video = await client.videos.retrieve(id);
    if (!["queued", "in_progress"].includes(video.status)) return video;
    await new Promise((done) => setTimeout(done, 100));
  }
};
const told = {};
const made = await client.videos.create({ prompt: "pan right", input_reference: fs.createReadStream(picture), ...small });
told.done = await wait(made.id);
const data = fs.readFileSync(picture);
const address = "data:image/png;base64," + data.toString("base64");
told.object = await wait((await client.videos.create({ prompt: "pan left", input_reference: { image_url: address }, ...small })).id);
const content = await client.videos.downloadContent(made.id);
told.content = Buffer.from(await content.arrayBuffer()).subarray(4, 8).toString();
told.remix = await wait((await client.videos.remix(made.id, { prompt: "zoom in" })).id);
told.extend = await wait((await client.videos.extend({ prompt: "on", seconds: "1", video: { id: made.id } })).id);
told.edit = await wait((await client.videos.edit({ prompt: "zoom out", video: { id: made.id } })).id);
const film = await client.videos.downloadContent(made.id);
const hero = await client.videos.createCharacter({ name: "Fern", video: await toFile(Buffer.from(await film.arrayBuffer()), "fern.mp4") });
told.character = await client.videos.getCharacter(hero.id);
told.listed = [];
for await (const one of client.videos.list({ limit: 2 })) told.listed.push(one.id);
told.deleted = await client.videos.delete(made.id);
try { await client.videos.retrieve(made.id); } catch (error) { told.gone = [error.constructor.name, error.status, error.code]; }
console.log(JSON.stringify(told));
