/**
 * The style of the page, light and dark. No fonts, pictures or rules from elsewhere: the page is one file. What a
 * colour tells, a word beside it tells, too.
 */
export const reportStyle = `
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--text:#1b1f24;--soft:#59616b;--line:#dfe3e8;--track:#eceff2;
--good:#136a2c;--good-back:#dcf5e3;--bad:#8a5300;--bad-back:#fdeecb;--alert:#b3261e;--alert-back:#fde3e1;--calm:#4a5568;--calm-back:#e8ecf1;
--prepare:#6b8fd6;--arm:#9aa4b2;--apply:#e0912f;--verify:#3f9d6b;--commit:#7a6fc9;--back:#d0524a;--again:#b983c9;--bar:#6b8fd6}
@media (prefers-color-scheme:dark){:root{--page:#0f1216;--card:#181c22;--text:#e7eaee;--soft:#a0a9b4;--line:#2c323a;--track:#252b33;
--good:#5fd083;--good-back:#12321d;--bad:#f0b95a;--bad-back:#3a2a0b;--alert:#ff8f86;--alert-back:#43191a;--calm:#b3bdc9;--calm-back:#262d36;
--prepare:#5f86d2;--arm:#6f7a88;--apply:#d98a2b;--verify:#43a873;--commit:#8b80dd;--back:#e0655c;--again:#c08fd0;--bar:#5f86d2}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
main,header,footer{max-width:72rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.75rem}
h1{font-size:1.5rem;line-height:1.25;margin:0;letter-spacing:-.01em}
h2{font-size:1.1rem;margin:2.25rem 0 .75rem}
h3{font-size:1rem;margin:0}
h4{font-size:.8rem;margin:1.1rem 0 .4rem;color:var(--soft);font-weight:600;text-transform:uppercase;letter-spacing:.04em}
p{margin:.4rem 0}
.soft{color:var(--soft)}
.small{font-size:.87rem}
code,.code{font:.92em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
.top{display:flex;flex-wrap:wrap;gap:.4rem .9rem;align-items:center}
.pill{display:inline-block;padding:.08rem .6rem;border-radius:1rem;font-size:.85rem;font-weight:600;white-space:nowrap}
.good{color:var(--good);background:var(--good-back)}.bad{color:var(--bad);background:var(--bad-back)}
.alert{color:var(--alert);background:var(--alert-back)}.calm{color:var(--calm);background:var(--calm-back)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(13.5rem,1fr));gap:.75rem;margin:1.25rem 0 0;padding:0}
.facts>div{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.75rem .95rem}
.facts dt{color:var(--soft);font-size:.8rem}
.facts dd{margin:.1rem 0 0;font-weight:600}
.facts dd+dd{font-weight:400;font-size:.87rem;color:var(--soft)}
.notice{border-left:4px solid currentColor;border-radius:.4rem;padding:.6rem .9rem;margin:.75rem 0 0}
.notice p{color:var(--text);margin:0}
.notice p+p{margin-top:.3rem}
.run,.panel{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.95rem 1.1rem;margin:0 0 .9rem}
.run .top{justify-content:space-between}
.why{margin:.35rem 0 0}
.track{display:flex;gap:2px;height:1.15rem;margin:.8rem 0 .45rem;background:var(--track);border-radius:.35rem;overflow:hidden}
.track>span{min-width:3px;flex-basis:0}
.key{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;margin:0;padding:0;list-style:none;font-size:.87rem}
.key i{display:inline-block;width:.7rem;height:.7rem;border-radius:.2rem;margin-right:.4rem}
.prepare{background:var(--prepare)}.arm{background:var(--arm)}.apply{background:var(--apply)}.verify{background:var(--verify)}
.commit{background:var(--commit)}.back{background:var(--back)}.again{background:var(--again)}
.two{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:0 2rem}
ul.plain{margin:0;padding:0 0 0 1.1rem}
ul.plain li{margin:.12rem 0}
.bars{display:grid;grid-template-columns:fit-content(60%) minmax(4rem,1fr) max-content;gap:.3rem .75rem;align-items:center;margin:0;font-size:.92rem}
.bars>div{display:contents}
.bars dt,.bars dd{margin:0}
.bars .room{background:var(--track);border-radius:.25rem;height:.6rem}
.bars .room>span{display:block;height:100%;min-width:2px;border-radius:.25rem;background:var(--bar)}
.bars .room>.away{background:var(--apply)}
.bars dd:last-child{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th{font-weight:600;color:var(--soft);font-size:.8rem}
th,td{text-align:left;vertical-align:top;padding:.38rem .9rem .38rem 0;border-bottom:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}
tr:last-child>td{border-bottom:0}
.tight,th{white-space:nowrap}
.name{min-width:10rem}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
details{margin-top:.7rem}
summary{cursor:pointer;color:var(--soft);font-size:.9rem;padding:.15rem 0}
summary:hover,summary:focus-visible{color:var(--text)}
footer{color:var(--soft);font-size:.87rem;padding-top:1.5rem;padding-bottom:2.5rem}
@media (max-width:44rem){
main,header,footer{padding-left:.8rem;padding-right:.8rem}
.two{grid-template-columns:minmax(0,1fr)}
.run,.panel{padding:.85rem .9rem}
.facts{grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:.5rem}
.facts>div{padding:.6rem .75rem}
.bars{grid-template-columns:minmax(0,1fr) max-content}
.bars .room{grid-column:1/-1;grid-row:auto;order:0}
.bars>div{display:grid;grid-template-columns:subgrid;grid-column:1/-1;gap:.1rem .75rem}
.bars .room{grid-row:2}
table,tbody,tr,td{display:block}
thead{position:absolute;clip-path:inset(50%);height:1px;overflow:hidden}
tr{padding:.5rem 0;border-bottom:1px solid var(--line)}
tbody tr:last-child{border-bottom:0}
td{border:0;padding:.06rem 0}
td[data-name]::before{content:attr(data-name);display:inline-block;min-width:6.2rem;color:var(--soft);font-size:.85rem;font-weight:400}
.number,.tight{text-align:left;white-space:normal}
.name{min-width:0}
}
@media print{body{background:#fff}.run,.panel{break-inside:avoid}}
`;
