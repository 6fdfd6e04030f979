-- error package.loaded is not there
on("in:/test", function(event)
package.loaded.os = 1
end)
